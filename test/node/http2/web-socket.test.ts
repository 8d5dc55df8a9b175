import { once } from "node:events";
import { constants } from "node:http2";
import type { CloseInfo, Socket } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import {
  answerOf,
  deferred,
  extendedConnect,
  openSession,
  socketOf,
  startTls,
  webSocketOver,
} from "./support.ts";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

const TUNNEL = { ":protocol": undefined, ":scheme": undefined, ":authority": "example.com:443" };

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) if (!socket.send(message)) await socket.drained;
}

describe("an opening handshake over HTTP/2", () => {
  it("is answered with 200 and none of the HTTP/1.1 handshake fields (RFC 8441 5)", async () => {
    const server = await startTls({ routes: { "ws:/": { protocols: ["b", "a"], handle: echo } } });
    const stream = extendedConnect(await openSession(server), "/", {
      "sec-websocket-protocol": "a, b",
    });
    const [fields] = (await once(stream, "response")) as [Record<string, unknown>];
    expect({ ...fields }).toMatchObject({
      ":status": 200,
      "sec-websocket-protocol": "b",
      date: expect.any(String),
    });
    stream.close(NGHTTP2_CANCEL);
  });

  it.each([
    ["a valid key", "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["a malformed key", "dGhlIHNhbXBsZQ==", undefined],
    ["two keys", ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="], undefined],
    ["no key", undefined, undefined],
  ])("with %s is answered with the Sec-WebSocket-Accept %s", async (_, key, acceptKey) => {
    const server = await startTls({ routes: { "ws:/": echo } });
    const stream = extendedConnect(await openSession(server), "/", {
      "sec-websocket-key": key as string,
    });
    const [fields] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(fields[":status"]).toBe(200);
    expect(fields["sec-websocket-accept"]).toBe(acceptKey);
    stream.close(NGHTTP2_CANCEL);
  });

  it("opens a socket and gives the route's handler its context", async () => {
    const reported = deferred<unknown>();
    const server = await startTls({
      routes: {
        "ws:/rooms/:room": {
          authorize: (request) => ({ cookie: request.headers.get("cookie") }),
          handle: (_socket, { params, url, state, request, remoteAddress }) =>
            reported.resolve({
              params,
              href: url.href,
              state,
              remoteAddress,
              origin: request.headers.get("origin"),
              pseudo: [...request.headers.keys()].filter((name) => name.startsWith(":")),
            }),
        },
      },
    });
    const origin = `https://localhost:${server.port}`;
    extendedConnect(await openSession(server), "/rooms/blue?a=b", {
      origin,
      cookie: ["a=1", "b=2"],
    });
    expect(await reported.promise).toEqual({
      params: { room: "blue" },
      href: `${origin}/rooms/blue?a=b`,
      state: { cookie: "a=1; b=2" },
      remoteAddress: "127.0.0.1",
      origin,
      pseudo: [],
    });
  });

  it.each([
    ["a path without a route", 404, "/nowhere", {}],
    ["a page of another origin", 403, "/", { origin: "https://example.com" }],
    ["a page loaded over http", 403, "/", { origin: "http://localhost" }],
    ["no supported subprotocol", 400, "/spoken", { "sec-websocket-protocol": "x" }],
    ["another version", 400, "/", { "sec-websocket-version": "8" }],
    ["another :protocol (RFC 9220 3)", 501, "/", { ":protocol": "connect-udp" }],
    ["a tunnel", 501, undefined, TUNNEL],
    ["an authorize that throws", 500, "/failing", {}],
    ["an authorize that refuses", 401, "/refusing", {}],
  ])("for %s is answered with %i", async (_, status, path, fields) => {
    const server = await startTls({
      onError: () => {},
      routes: {
        "ws:/": echo,
        "ws:/spoken": { protocols: ["a"], handle: echo },
        "ws:/failing": { authorize: () => Promise.reject(new Error("x")), handle: echo },
        "ws:/refusing": { authorize: () => new Response("who?", { status: 401 }), handle: echo },
      },
    });
    const session = await openSession(server);
    const answer = await answerOf(extendedConnect(session, path, fields));
    expect(answer).toMatchObject({ status, rstCode: NGHTTP2_NO_ERROR });
    expect(answer.body).not.toBe("");
    expect(Object.keys(answer.headers)).not.toContain("upgrade");
    // The connection serves the next request.
    extendedConnect(session, "/").on("response", ({ ":status": next }) => expect(next).toBe(200));
  });

  it("with another version gets the supported version in the response (RFC 6455 4.4)", async () => {
    const server = await startTls({ routes: { "ws:/": echo } });
    const stream = extendedConnect(await openSession(server), "/", {
      "sec-websocket-version": undefined,
    });
    expect((await answerOf(stream)).headers["sec-websocket-version"]).toBe("13");
  });

  it("is not accepted by a Response of authorize with status 200", async () => {
    const handle = vi.fn<() => void>();
    const authorize = async (): Promise<Response> =>
      new Response("come again", { headers: { connection: "close", "x-a": "b" } });
    const server = await startTls({ routes: { "ws:/": { authorize, handle } } });
    const answer = await answerOf(extendedConnect(await openSession(server), "/"));
    expect(answer).toMatchObject({ status: 403, body: "come again", headers: { "x-a": "b" } });
    expect(handle).not.toHaveBeenCalled();
  });

  it("aborts the signal of the request when the client leaves", async () => {
    const asked = deferred<Request>();
    const authorize = (request: Request): Promise<never> => {
      asked.resolve(request);
      return new Promise(() => {});
    };
    const server = await startTls({ routes: { "ws:/": { authorize, handle: echo } } });
    const stream = extendedConnect(await openSession(server), "/");
    const { signal } = await asked.promise;
    const aborted = once(signal, "abort");
    stream.close(NGHTTP2_CANCEL);
    await aborted;
    expect(server.sockets.size).toBe(0);
  });

  it("keeps the data that arrives while authorize decides", async () => {
    const received = deferred<unknown>();
    const decided = deferred<object>();
    const server = await startTls({
      routes: {
        "ws:/": {
          authorize: () => decided.promise,
          handle: (socket) => socket.listen((message) => received.resolve(message)),
        },
      },
    });
    const session = await openSession(server);
    const stream = extendedConnect(session, "/");
    stream.write(Buffer.from("818100000000" + "61", "hex"));
    // Both are in order on one connection, so the first has arrived when the second is answered.
    await answerOf(session.request({ ":path": "/" }));
    decided.resolve({});
    expect(await received.promise).toBe("a");
  });

  it("counts for maxConnections", async () => {
    const server = await startTls({ maxConnections: 1, routes: { "ws:/": echo } });
    const session = await openSession(server);
    await once(extendedConnect(session, "/"), "response");
    expect(await answerOf(extendedConnect(session, "/"))).toMatchObject({
      status: 503,
      headers: { "retry-after": expect.any(String) },
    });
  });

  it("is checked against hosts", async () => {
    const server = await startTls({ hosts: ["example.com"], routes: { "ws:/": echo } });
    const session = await openSession(server);
    expect(await answerOf(extendedConnect(session, "/"))).toMatchObject({ status: 421 });
    const named = extendedConnect(session, "/", { ":authority": "example.com" });
    const [{ ":status": status }] = (await once(named, "response")) as [Record<string, unknown>];
    expect(status).toBe(200);
  });
});

describe("a socket over HTTP/2", () => {
  async function connected(route: object = {}): Promise<{
    client: InstanceType<ReturnType<typeof webSocketOver>>;
    socket: Socket;
  }> {
    const accepted = deferred<Socket>();
    const handle = (socket: Socket): void => accepted.resolve(socket);
    const server = await startTls({ routes: { "ws:/": { ...route, handle } } });
    const client = new (webSocketOver(await openSession(server)))(`${server.url}/`);
    const [socket] = await Promise.all([accepted.promise, client.onOpen.first]);
    return { client, socket };
  }

  it("closes by Close frames and END_STREAM when the client closes (RFC 8441 5)", async () => {
    const { client, socket } = await connected();
    const closed = client.onClose.first;
    client.close(4001, "bye");
    expect(await socket.done).toEqual({ code: 4001, reason: "bye", wasClean: true });
    expect(await closed).toMatchObject({ code: 4001, wasClean: true });
  });

  it("closes by Close frames and END_STREAM when the server closes", async () => {
    const { client, socket } = await connected();
    const closed = client.onClose.first;
    socket.close(4002, "done");
    expect(await closed).toMatchObject({ code: 4002, reason: "done", wasClean: true });
    expect(await socket.done).toMatchObject({ code: 4002, wasClean: true });
  });

  it("closes with the right code when the client breaks the protocol", async () => {
    const { client, socket } = await connected({ maxMessageBytes: 10 });
    const closed = client.onClose.first;
    client.send("eleven char");
    expect(await closed).toMatchObject({ code: 1009, wasClean: true });
    expect(await socket.done).toMatchObject({ code: 1006, wasClean: false });
  });

  it("resets the stream with CANCEL when it is terminated (RFC 8441 5)", async () => {
    const server = await startTls({
      routes: { "ws:/": (socket) => setImmediate(() => socket.terminate()) },
    });
    const stream = extendedConnect(await openSession(server), "/");
    await once(stream, "close");
    expect(stream.rstCode).toBe(NGHTTP2_CANCEL);
  });

  it("reports a reset as an error of the transport", async () => {
    const done = deferred<CloseInfo>();
    const server = await startTls({
      routes: { "ws:/": (socket) => void socket.done.then(done.resolve) },
    });
    const stream = extendedConnect(await openSession(server), "/");
    await once(stream, "response");
    stream.close(NGHTTP2_CANCEL);
    expect(await done.promise).toMatchObject({ code: 1006, wasClean: false });
  });

  it("ends with an error when its connection ends", async () => {
    const done = deferred<CloseInfo>();
    const server = await startTls({
      routes: { "ws:/": (socket) => void socket.done.then(done.resolve) },
    });
    const session = await openSession(server);
    await once(extendedConnect(session, "/"), "response");
    socketOf(session).destroy();
    expect(await done.promise).toMatchObject({ code: 1006, wasClean: false });
  });

  it("detects an unresponsive client by its heartbeat", async () => {
    const done = deferred<CloseInfo>();
    const server = await startTls({
      heartbeat: { idleMs: 20, timeoutMs: 20 },
      routes: { "ws:/": (socket) => void socket.done.then(done.resolve) },
    });
    const stream = extendedConnect(await openSession(server), "/");
    const closed = once(stream.resume(), "close");
    expect(await done.promise).toMatchObject({
      code: 1006,
      error: { code: "HEARTBEAT_TIMEOUT" },
    });
    await closed;
    expect(stream.rstCode).toBe(NGHTTP2_CANCEL);
  });
});
