import { once } from "node:events";
import { constants } from "node:http2";
import { type AddressInfo, connect, createServer, type Server as NetServer } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Server } from "tideway/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { connectFrame, FrameType, HELLO, frame, RawClient, resetFrame } from "./raw-client.ts";
import {
  answerOf,
  connectionsOf,
  deferred,
  extendedConnect,
  openSession,
  startTls,
} from "./support.ts";

const routes = { "/page": () => new Response("page"), "ws:/": () => {} };

/** Node passes this option on to the socket, although the type does not have it. */
const HALF_OPEN: ConnectionOptions = { allowHalfOpen: true } as object;

/**
 * A proxy to `server` that holds back everything after the ClientHello until the returned `letGo`
 * is called.
 */
async function relayTo(server: Server): Promise<{ port: number; letGo: () => void }> {
  const letGo = deferred<void>();
  const relay: NetServer = createServer((client) => {
    const upstream = connect(server.port, "127.0.0.1");
    upstream.pipe(client);
    client.once("data", (hello: Buffer) => {
      upstream.write(hello);
      client.pause();
      void letGo.promise.then(() => client.pipe(upstream));
    });
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("close", () => upstream.destroy());
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void relay.close());
  return { port: (relay.address() as AddressInfo).port, letGo: () => letGo.resolve() };
}

// A write that is pending when HTTP/2 takes over a TLS socket aborts Node.
it.each([
  ["h2", Buffer.concat([HELLO, frame(FrameType.Settings, 0, 0)])],
  ["http/1.1", Buffer.from("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")],
])(
  "the server closes a connection when its TLS handshake exceeds the timeout: %s",
  async (protocol, hello) => {
    // The last handshake of this test must take less, on a busy machine too.
    const server = await startTls({ handshakeTimeoutMs: 500, routes });
    const timedOut = once(server.httpServer, "tlsClientError");
    const { port, letGo } = await relayTo(server);
    const client = RawClient.begin({ port }, { ALPNProtocols: [protocol] });
    const said = vi.fn<(bytes: Buffer) => void>();
    client.socket.on("data", said);
    client.socket.once("secureConnect", () => client.socket.write(hello));
    const [error] = (await timedOut) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ERR_TLS_HANDSHAKE_TIMEOUT");
    letGo();
    await client.closed();
    expect(said).not.toHaveBeenCalled();
    const page = (await openSession(server)).request({ ":path": "/page" });
    expect(await answerOf(page)).toMatchObject({ body: "page" });
  },
);

it("the server refuses renegotiation over TLS 1.2 (RFC 9113 9.2.1)", async () => {
  const server = await startTls({ routes });
  const { socket } = await RawClient.connect(server, { maxVersion: "TLSv1.2" });
  const outcome = new Promise((resolve) => {
    socket.once("error", resolve);
    socket.renegotiate({}, resolve);
  });
  expect(await outcome).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
});

it("the server answers 503 when authorize exceeds handshakeTimeoutMs", async () => {
  const signal = deferred<AbortSignal>();
  const authorize = (request: Request): Promise<object> => {
    signal.resolve(request.signal);
    return new Promise(() => {});
  };
  const server = await startTls({
    handshakeTimeoutMs: 100,
    onError: () => {},
    routes: { "ws:/": { authorize, handle: () => {} } },
  });
  const answer = answerOf(extendedConnect(await openSession(server), "/"));
  expect(await answer).toMatchObject({ status: 503, rstCode: constants.NGHTTP2_NO_ERROR });
  expect((await signal.promise).aborted).toBe(true);
});

it("a client that resets its handshakes fills neither maxConnections nor all of maxPendingAuthorize", async () => {
  const calls: AbortSignal[] = [];
  const authorize = ({ signal }: Request): Promise<object> => {
    calls.push(signal);
    return new Promise(() => {});
  };
  const server = await startTls({
    maxConnections: 1,
    maxPendingAuthorize: 17,
    routes: { "ws:/": { authorize, handle: () => {} }, "ws:/open": () => {} },
  });
  const client = await RawClient.open(server);
  for (let id = 1; id < 40; id += 2) {
    client.send(connectFrame(id, "/"));
    if (id <= 31) {
      await vi.waitFor(() => expect(calls).toHaveLength((id + 1) / 2), { interval: 5 });
      client.send(resetFrame(id, constants.NGHTTP2_CANCEL));
      await vi.waitFor(() => expect(calls.at(-1)!.aborted).toBe(true), { interval: 5 });
    } else await client.receives(FrameType.Headers, id);
  }
  expect(calls).toHaveLength(16);
  const session = await openSession(server);
  const other = extendedConnect(session, "/");
  await vi.waitFor(() => expect(calls).toHaveLength(17));
  const [refused] = await once(extendedConnect(await openSession(server), "/"), "response");
  expect(refused).toMatchObject({ ":status": 503, "retry-after": expect.any(String) });
  other.close(constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect(calls[16].aborted).toBe(true));
  const [accepted] = await once(extendedConnect(session, "/open"), "response");
  expect(accepted[":status"]).toBe(200);
});

it.each([
  ["resets its last stream", resetFrame(1, constants.NGHTTP2_CANCEL)],
  ["sends a second GOAWAY with an error", goAwayFrame(constants.NGHTTP2_PROTOCOL_ERROR)],
])("the server drops a client that sends GOAWAY, %s and stays connected", async (_, last) => {
  const server = await startTls({ handshakeTimeoutMs: 50, routes });
  const client = await RawClient.open(server, Buffer.alloc(0), HALF_OPEN);
  client.send(connectFrame(1, "/"));
  await client.receives(FrameType.Headers, 1);
  client.send(goAwayFrame(constants.NGHTTP2_NO_ERROR), last);
  // The HTTP/2 session ends, and its connection waits for the client to close its side.
  await once(client.socket, "end");
  await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0), 10_000);
});

function goAwayFrame(code: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(code, 4);
  return frame(FrameType.GoAway, 0, 0, payload);
}
