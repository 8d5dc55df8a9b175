import { PassThrough } from "node:stream";
import { MemoryNetwork } from "tideway/testing";
import { type ApplicationOptions, route, type StandardSchema } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { ByteBudget } from "../../../src/protocol/byte-budget.ts";
import { EarlyDataBuffer } from "../../../src/node/requests/early-data-buffer.ts";
import type { Routes } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";

const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};
const handle = vi.fn<() => void>();
const refusal = (): Response => new Response("no", { status: 401 });

// The type of `route()` does not fit among the other routes: their types are inferred one by one.
const made = route("ws:/", { authorize: refusal, handle }) as unknown as Routes;

/** Every way to define a route that opens sockets. */
const PATHS: ReadonlyArray<[string, Routes]> = [
  ["a record", { "ws:/": { authorize: refusal, handle } }],
  ["a record of route()", made],
  ["a record with a schema", { "ws:/": { schema: anything, authorize: refusal, handle } }],
  ["a pattern", { "ws:/*": { authorize: refusal, handle } }],
  ["a record with an async authorize", { "ws:/": { authorize: async () => refusal(), handle } }],
  [
    "a record with an authorize that rejects",
    { "ws:/": { authorize: () => Promise.reject(new Error("no")), handle } },
  ],
];

const quiet: ApplicationOptions = { onError: () => {} };

describe.each(PATHS)("authorize in %s", (_what, routes) => {
  it.each(SERVER_KINDS)(
    "refuses every handshake over $name and answers every request",
    async ({ start }) => {
      await using server = await start(routes, quiet);
      for (const head of [
        handshake("/"),
        handshake("//"),
        handshake("/?x"),
        handshake("/", {}, "GET http://localhost/ HTTP/1.1"),
        `GET / HTTP/1.1\r\nHost: a\r\n\r\n${handshake("/")}`,
      ]) {
        expect(statusOf(await new RawClient(server).send(head).closed())).toBeGreaterThanOrEqual(
          400,
        );
      }
      expect(handle).not.toHaveBeenCalled();
      expect(server.sockets.size).toBe(0);
    },
  );

  it("refuses every handshake in memory", async () => {
    const network = new MemoryNetwork();
    await using server = network.serve({ ...quiet, routes });
    const { code } = await new network.WebSocket("ws://test/").onClose.first;
    expect(code).toBe(1006);
    expect(handle).not.toHaveBeenCalled();
    expect(server.sockets.size).toBe(0);
  });
});

describe.each(SERVER_KINDS)(
  "clients that leave while authorize decides, over $name,",
  ({ start }) => {
    it("leave no request or signal behind, and no longer count for any limit", async () => {
      const left: Array<WeakRef<object>> = [];
      const listeners: string[] = [];
      let decide: Array<() => void> = [];
      const routes = {
        "ws:/": {
          authorize: (request: Request) => {
            left.push(new WeakRef(request), new WeakRef(request.signal));
            request.signal.addEventListener("abort", () => listeners.push("aborted"));
            return new Promise<void>((resolve) => decide.push(resolve));
          },
          handle,
        },
        "ws:/open": (socket: { send(text: string): void }) => socket.send("let in"),
      };
      const count = 50;
      await using server = await start(routes, { maxConnections: count });
      const clients = Array.from({ length: count }, () =>
        new RawClient(server).send(handshake("/")),
      );
      await vi.waitFor(() => expect(decide).toHaveLength(count), 10_000);
      for (const [index, client] of clients.entries()) {
        if (index % 2 === 0) client.reset();
        else client.socket.end("and something on the way out");
      }
      await vi.waitFor(() => expect(listeners).toHaveLength(count), 10_000);
      expect(server.sockets.size).toBe(0);
      for (const one of decide) one();
      decide = [];

      const next = new RawClient(server).send(handshake("/open"));
      await next.receives("let in");
      next.socket.destroy();
      expect(handle).not.toHaveBeenCalled();
      await vi.waitFor(() => {
        collectGarbage();
        expect(left.filter((one) => one.deref() !== undefined)).toEqual([]);
      }, 10_000);
    });
  },
);

const OWNER = { onGone() {}, onFull() {} };

describe("data that a client sends while authorize decides", () => {
  it("uses at most twice its length in memory when it arrives in single bytes", async () => {
    const socket = new PassThrough();
    const held = new EarlyDataBuffer(socket, Buffer.from("he"), new ByteBudget(Infinity), OWNER);
    for (let i = 0; i < 30_000; i++) socket.write("x");
    await vi.waitFor(() => expect(socket.readableLength + socket.writableLength).toBe(0), 10_000);
    const bytes = held.release();
    expect(Buffer.from(bytes).toString()).toBe(`he${"x".repeat(30_000)}`);
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * 30_002);
  });

  it("is read up to about 64 KiB", async () => {
    const socket = new PassThrough({ highWaterMark: 1024 });
    const held = new EarlyDataBuffer(socket, Buffer.alloc(0), new ByteBudget(Infinity), OWNER);
    let sent = 0;
    while (!socket.isPaused()) {
      socket.write(Buffer.alloc(1024));
      sent += 1024;
      await Promise.resolve();
    }
    expect(sent).toBeLessThan(70_000);
    const byteLength = held.release().byteLength;
    expect(byteLength).toBeGreaterThanOrEqual(65_536);
    expect(byteLength).toBeLessThan(66_560);
  });
});

describe.each(SERVER_KINDS)(
  "a Response of authorize with a body that fails, over $name,",
  ({ start }) => {
    it("is reported to onError, and its connection is closed", async () => {
      const onError = vi.fn<(error: unknown, context: { route?: string }) => void>();
      const failure = new Error("the body failed");
      const body = new ReadableStream({
        pull: (controller) => controller.error(failure),
      });
      const authorize = (): Response => new Response(body, { status: 401 });
      await using server = await start({ "ws:/": { authorize, handle } }, { onError });
      await new RawClient(server).send(handshake("/")).closed();
      await expect.poll(() => onError.mock.calls).toHaveLength(1);
      const [error, { route: key }] = onError.mock.calls[0];
      expect(error).toBe(failure);
      expect(key).toBe("ws:/");
    });
  },
);
