import { once } from "node:events";
import { constants } from "node:http2";
import type { CloseInfo, Socket } from "tideway/server";
import { expect, it, vi } from "vitest";
import {
  codeOf,
  connectFrame,
  dataFrame,
  END_STREAM,
  frame,
  FrameType,
  headersFrame,
  RawClient,
  resetFrame,
} from "./raw-client.ts";
import { answerOf, deferred, extendedConnect, openSession, startTls } from "./support.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

const GET = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/page"],
  [":authority", "localhost"],
] as const;

/** The TLS handshakes of a test must take less, on a busy machine too. Otherwise, the server resets them. */
const HANDSHAKE_TIMEOUT_MS = 500;

const onError = vi.fn<(error: unknown) => void>();

async function start(options: object = {}): ReturnType<typeof startTls> {
  onError.mockReset();
  return await startTls({
    onError,
    routes: {
      "/page": () => new Response("page"),
      "post:/body": async (request) => new Response(await request.text()),
      "ws:/": async (socket) => {
        for await (const message of socket) socket.send(message);
      },
    },
    ...options,
  });
}

/** Whether another client is still served. */
async function expectToServe(server: Awaited<ReturnType<typeof start>>): Promise<void> {
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/page" }))).toMatchObject({ body: "page" });
  expect(onError).not.toHaveBeenCalled();
}

it.each<[string, (client: RawClient) => void]>([
  ["DATA on stream 0", (client) => client.send(dataFrame(0, Buffer.from("x")))],
  ["a frame above the maximum size", (client) => client.send(dataFrame(1, Buffer.alloc(20_000)))],
  [
    "SETTINGS of odd length",
    (client) => client.send(frame(FrameType.Settings, 0, 0, Buffer.of(1))),
  ],
  [
    "bytes that are not HTTP/2",
    (client) => void client.socket.write("GET / HTTP/1.1\r\n\r\n".repeat(9)),
  ],
  ["a window that overflows", (client) => client.send(windowUpdate(0), windowUpdate(0))],
])("%s ends the connection and its sockets with 1006", async (_, misbehave) => {
  const ended = deferred<CloseInfo>();
  const server = await start({
    handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
    routes: {
      "/page": () => new Response("page"),
      "ws:/": (socket: Socket) => void socket.done.then(ended.resolve),
    },
  });
  const client = await RawClient.open(server);
  client.send(connectFrame(1, "/"));
  await client.receives(FrameType.Headers, 1);
  misbehave(client);
  expect(await ended.promise).toMatchObject({ code: 1006, wasClean: false });
  await client.closed();
  await expectToServe(server);
});

it("a stream with a head above 16 KiB is reset, and its connection serves the next stream", async () => {
  const server = await start();
  const session = await openSession(server);
  const refused = extendedConnect(session, "/", { x: "y".repeat(17_000) });
  expect(await answerOf(refused)).toMatchObject({ rstCode: NGHTTP2_ENHANCE_YOUR_CALM });
  expect(await answerOf(session.request({ ":path": "/page" }))).toMatchObject({ body: "page" });
});

it.each([
  [101, 431],
  [100, 200],
])("a head of %i fields is answered with %i", async (count, status) => {
  const server = await start();
  const session = await openSession(server);
  const more = Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`x-${i}`, ""]));
  const [fields] = await once(extendedConnect(session, "/", more), "response");
  expect(fields[":status"]).toBe(status);
});

it("split cookies count as one field (RFC 9113 8.2.3)", async () => {
  const server = await start();
  const cookie = Array.from({ length: 150 }, (_, index) => `c${index}=1`);
  const stream = extendedConnect(await openSession(server), "/", { cookie });
  const [fields] = await once(stream, "response");
  expect(fields[":status"]).toBe(200);
});

it("streams above the limit are refused", async () => {
  const server = await start();
  const client = await RawClient.open(server);
  // Until the client has acknowledged the settings. After that it ends the connection.
  for (let id = 1; id <= 2 * 257; id += 2) client.send(connectFrame(id, "/"));
  const reset = await client.receives(FrameType.RstStream, 2 * 257 - 1);
  expect(codeOf(reset)).toBe(constants.NGHTTP2_REFUSED_STREAM);
  expect(server.sockets.size).toBe(256);
});

it.each([
  ["says nothing", (server: Awaited<ReturnType<typeof start>>) => RawClient.connect(server)],
  ["sends no request", (server: Awaited<ReturnType<typeof start>>) => RawClient.open(server)],
])("a client that %s is dropped after handshakeTimeoutMs", async (_, connect) => {
  const server = await start({ handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS });
  const client = await connect(server);
  await client.closed();
  expect(client.socket.destroyed).toBe(true);
});

it("a client that leaves while authorize decides leaves nothing behind", async () => {
  const signal = deferred<AbortSignal>();
  const server = await start({
    routes: {
      "ws:/": {
        authorize: (request: Request) => {
          signal.resolve(request.signal);
          return new Promise(() => {});
        },
        handle: () => {},
      },
    },
  });
  const client = await RawClient.open(server);
  client.send(connectFrame(1, "/"));
  const aborted = once(await signal.promise, "abort");
  // Ends only its side of the stream, so the response goes unread.
  client.send(dataFrame(1, Buffer.alloc(0), true));
  await aborted;
  expect(codeOf(await client.receives(FrameType.RstStream, 1))).toBe(NGHTTP2_CANCEL);
});

it("a client that never ends its side of the stream does not delay the end of its socket", async () => {
  const ended = deferred<CloseInfo>();
  const server = await start({
    closeTimeoutMs: 3_600_000,
    routes: { "ws:/": (socket: Socket) => void socket.done.then(ended.resolve) },
  });
  const client = await RawClient.open(server);
  client.send(connectFrame(1, "/"), dataFrame(1, Buffer.from("888200000000" + "03e8", "hex")));
  expect(await ended.promise).toMatchObject({ code: 1000, wasClean: true });
  expect(codeOf(await client.receives(FrameType.RstStream, 1))).toBe(NGHTTP2_NO_ERROR);
  const data = client.frames.filter(({ type }) => type === FrameType.Data);
  expect(data[0].payload.toString("hex")).toBe("880203e8");
  expect(data.at(-1)!.flags).toBe(END_STREAM);
});

// Node 20 writes empty frames forever if a stream is destroyed during an event of another stream.
it.each([
  ["NO_ERROR", NGHTTP2_NO_ERROR, false],
  ["CANCEL", NGHTTP2_CANCEL, false],
  ["NO_ERROR and bytes from this side in transit", NGHTTP2_NO_ERROR, true],
  ["CANCEL and buffered output", NGHTTP2_CANCEL, true],
])(
  "a handler may terminate a socket when another is reset, with %s",
  async (_, code, isSending) => {
    const sockets: Socket[] = [];
    const server = await start({
      routes: {
        "/page": () => new Response("page"),
        "ws:/:id": (socket: Socket) => {
          sockets.push(socket);
          if (isSending) socket.send("x".repeat(200_000));
          void socket.done.then(() => {
            for (const other of sockets) other.terminate();
          });
        },
      },
    });
    const client = await RawClient.open(server);
    client.send(connectFrame(1, "/a"), connectFrame(3, "/b"), connectFrame(5, "/c"));
    await client.receives(FrameType.Headers, 5);
    client.send(dataFrame(3, Buffer.from("8180"), true), resetFrame(3, code));
    for (const id of [1, 5]) {
      expect(codeOf(await client.receives(FrameType.RstStream, id))).toBe(NGHTTP2_CANCEL);
    }
    expect(server.sockets.size).toBe(0);
    await expectToServe(server);
  },
);

it("a reset stream aborts the signal of its request and affects no socket of the connection", async () => {
  const asked = deferred<AbortSignal>();
  const server = await start({
    routes: {
      "/hang": (request: Request) => {
        asked.resolve(request.signal);
        return new Promise(() => {});
      },
      "/page": () => new Response("page"),
    },
  });
  const client = await RawClient.open(server);
  const hang = GET.map(([name, value]) => [name, value === "/page" ? "/hang" : value] as const);
  client.send(headersFrame(1, hang, true));
  const aborted = once(await asked.promise, "abort");
  client.send(resetFrame(1, NGHTTP2_CANCEL));
  await aborted;
  await expectToServe(server);
});

function windowUpdate(streamId: number): Buffer {
  return frame(FrameType.WindowUpdate, 0, streamId, Buffer.from("7fffffff", "hex"));
}
