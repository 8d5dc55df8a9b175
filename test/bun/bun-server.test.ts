import { expect, it, vi } from "vitest";
import type { BunHttpServer } from "../../src/bun/bun-api.ts";
import { NativeServer } from "../../src/bun/bun-server.ts";
import type { FetchListener } from "../../src/bun/fetch-listener.ts";
import type { Application } from "../../src/server/application.ts";

/** A server of Bun, which waits for clients that have sent a part of a request. */
function openServer() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const stop = vi.fn(async (isForced = false) => {
    if (isForced) end();
    return await ended;
  });
  const bun = {
    port: 8080,
    pendingRequests: 1,
    pollCount: 0,
    isOpen: true,
    get pendingWebSockets() {
      this.pollCount++;
      return this.isOpen ? 1 : 0;
    },
    stop,
  };
  const sockets = Object.assign([], { whenIdle: async () => {} });
  const server = new NativeServer(
    bun as unknown as BunHttpServer,
    { sockets, shutdown: { start: () => {} } } as unknown as Application,
    { stop: () => {} } as unknown as FetchListener,
    { port: 8080, host: undefined, reusePort: false, backlog: 511 },
    false,
  );
  return { bun, stop, server };
}

it("a stop waits for responses and WebSockets, and then drops requests that have arrived in part", async () => {
  const { bun, stop, server } = openServer();
  let isStopped = false;
  const stopped = server.stop().then(() => (isStopped = true));
  await vi.waitUntil(() => bun.pollCount > 1);
  bun.pendingRequests = 0;
  const { pollCount } = bun;
  await vi.waitUntil(() => bun.pollCount > pollCount + 1);
  expect(stop.mock.calls).toEqual([[]]);
  expect(isStopped).toBe(false);
  bun.isOpen = false;
  await stopped;
  expect(stop.mock.calls).toEqual([[], [true]]);
});

it("a stop drops everything at its deadline", async () => {
  const { stop, server } = openServer();
  await server.stop({ timeoutMs: 10 });
  expect(stop.mock.calls).toEqual([[], [true]]);
});
