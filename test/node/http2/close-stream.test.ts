import { once } from "node:events";
import { type ClientHttp2Session, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { stallTimeoutMs } from "../../../src/node/requests/stall-timeout.ts";
import { extendedConnect, openSession, startTls } from "./support.ts";

const TIMEOUT_MS = 50;

it.each([
  ["an answer", (session: ClientHttp2Session) => session.request({ ":path": "/endless" }), 200],
  ["why it is not let in", (session: ClientHttp2Session) => extendedConnect(session, "/"), 401],
])(
  "a client that stops reading %s has it cancelled, and what is behind it let go",
  async (...the) => {
    const [, ask, status] = the;
    const onCancel = vi.fn<() => void>();
    const onError = vi.fn<(error: unknown) => void>();
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: onCancel,
      });
    const server = await startTls({
      onError,
      routes: {
        // A handler that says nothing for a while keeps its stream, and the client has no longer for it.
        "/endless": async () => {
          await sleep(4 * TIMEOUT_MS);
          return new Response(endless());
        },
        "ws:/": { authorize: () => new Response(endless(), { status: 401 }), handle: () => {} },
      },
    });
    server.httpServer.timeout = TIMEOUT_MS;
    // Nobody reads it, so its window shuts.
    const stream = ask(await openSession(server));
    stream.on("error", () => {});
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(status);
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce());
    expect(onError).not.toHaveBeenCalled();
  },
);

it.each([
  [60_000, 0],
  [TIMEOUT_MS, TIMEOUT_MS],
])("waits for %i ms where the timeout of the HTTP server is %i", async (waits, timeout) => {
  const server = await startTls({ routes: {} });
  // As Node has it.
  if (timeout === 0) expect(server.httpServer.timeout).toBe(0);
  server.httpServer.timeout = timeout;
  expect(stallTimeoutMs(server.httpServer)).toBe(waits);
});
