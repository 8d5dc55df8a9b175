import { once } from "node:events";
import { type ClientHttp2Session, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { stallTimeoutMs } from "../../../src/node/requests/stall-timeout.ts";
import { extendedConnect, openSession, startTls } from "./support.ts";

const TIMEOUT_MS = 50;

it.each([
  ["a response", (session: ClientHttp2Session) => session.request({ ":path": "/endless" }), 200],
  [
    "the response to a refused handshake",
    (session: ClientHttp2Session) => extendedConnect(session, "/"),
    401,
  ],
])("the server cancels %s when a client stops reading it", async (...the) => {
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
      // A silent handler keeps its stream; its client gets no extra time afterwards.
      "/endless": async () => {
        await sleep(4 * TIMEOUT_MS);
        return new Response(endless());
      },
      "ws:/": { authorize: () => new Response(endless(), { status: 401 }), handle: () => {} },
    },
  });
  server.httpServer.timeout = TIMEOUT_MS;
  // The body is not read, so the window closes.
  const stream = ask(await openSession(server));
  stream.on("error", () => {});
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  expect(headers[":status"]).toBe(status);
  await once(stream, "close");
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce());
  expect(onError).not.toHaveBeenCalled();
});

it.each([
  [60_000, 0],
  [TIMEOUT_MS, TIMEOUT_MS],
])(
  "the server waits %i ms for a stalled client if the timeout of the HTTP server is %i",
  async (waits, timeout) => {
    const server = await startTls({ routes: {} });
    // The default of Node.
    if (timeout === 0) expect(server.httpServer.timeout).toBe(0);
    server.httpServer.timeout = timeout;
    expect(stallTimeoutMs(server.httpServer)).toBe(waits);
  },
);
