/**
 * The fast path answers the first bytes of a connection if they are a plain opening handshake, and
 * leaves the rest to `node:http`. The answers are the same.
 */
import { once } from "node:events";
import { type Server, serve, type ServeOptions, type Socket } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AcceptInterceptor } from "../../../../src/node/internals/handshake/accept-interceptor.ts";
import { PendingConnection } from "../../../../src/node/internals/handshake/pending-connection.ts";
import { HandleTransport } from "../../../../src/node/internals/tcp/handle-transport.ts";
import type { TcpHandle } from "../../../../src/node/internals/tcp/stream-wrap.ts";
import type { Routes } from "../../../suite/transports.ts";
import { connectionCount, handshake, RawClient, statusOf } from "../../../support/clients.ts";

const onError = vi.fn<(error: unknown) => void>();
const startedWithoutSocket = vi.spyOn(HandleTransport.prototype, "start");
const gaveBack = vi.spyOn(AcceptInterceptor.prototype, "giveBack");
let server: Server | undefined;

beforeEach(() => {
  vi.clearAllMocks();
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  expect(onError.mock.calls).toEqual([]);
});

function echo(socket: Socket): void {
  socket.listen((message) => void socket.send(message));
}

const routes: Routes = { "ws:/": echo };

async function start(options: ServeOptions & { routes?: Routes } = {}): Promise<Server> {
  server = await serve({ port: 0, host: "127.0.0.1", onError, routes, ...options });
  return server;
}

/** A masked text frame. */
function textFrame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}

const CLOSE_FRAME = "\x88\x82\0\0\0\0\x03\xe8";

describe("an opening handshake in one piece", () => {
  it("is answered without node:http, in each tested version of Node", async () => {
    const { port } = await start();
    const client = new RawClient(port).send(handshake("/"));
    expect(await client.receives("\r\n\r\n")).toMatch(/^HTTP\/1\.1 101 /);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
    expect(gaveBack).not.toHaveBeenCalled();
    client.socket.destroy();
  });

  it("is answered for its own host and path, even if the connection before it asked for others", async () => {
    const sendUrl = (socket: Socket, { url }: { readonly url: URL }): void =>
      void socket.send(`${url.host}${url.pathname}!`);
    const { port } = await start({ routes: { "ws:/:name": sendUrl } });
    for (const [host, path] of [
      ["a.example", "/one"],
      ["a.example", "/two"],
      ["b.example", "/two"],
      ["b.example", "/two?x"],
      ["b.example", "/one"],
    ]) {
      const client = new RawClient(port).send(handshake(path, { Host: host }));
      const [, frame] = (await client.receives("!")).split("\r\n\r\n");
      expect(frame.slice(2)).toBe(`${host}${path.replace("?x", "")}!`);
      client.socket.destroy();
    }
    expect(startedWithoutSocket).toHaveBeenCalledTimes(5);
    const missing = new RawClient(port).send(handshake("/one/two", { Host: "b.example" }));
    expect(statusOf(await missing.closed())).toBe(404);
  });

  it("may fill most of the read buffer, and the memory after it is not read", async () => {
    const { port } = await start();
    const client = new RawClient(port);
    await once(client.socket, "connect");
    const head = "\x82\xfe\xea\x60\0\0\0\0";
    client.send(handshake("/") + head + "a".repeat(55_000));
    await client.receives("\r\n\r\n");
    client.send("b".repeat(5000) + CLOSE_FRAME);
    const [, frames] = (await client.receives("\x88\x02\x03\xe8")).split("\r\n\r\n");
    expect(frames.slice(0, 4)).toBe("\x82\x7e\xea\x60");
    expect(frames.slice(4, 60_004) === "a".repeat(55_000) + "b".repeat(5000)).toBe(true);
    client.socket.destroy();
  });

  it("consists only of the bytes that were read, with a buffer of any size", () => {
    const onFirstBytes = vi.fn<(connection: PendingConnection, bytes: Buffer) => void>();
    const host = { onFirstBytes, onSilence: () => {}, onGone: () => {} };
    const handle = { readStart: () => 0 } as unknown as TcpHandle;
    new PendingConnection(handle, host, 1000).onRead(3, Uint8Array.of(1, 2, 3, 4, 5).buffer);
    expect([...onFirstBytes.mock.calls[0][1]]).toEqual([1, 2, 3]);
  });

  it("is answered by node:http without fast paths", async () => {
    const { port } = await start({ fastPaths: false });
    const client = new RawClient(port).send(handshake("/"));
    expect(await client.receives("\r\n\r\n")).toMatch(/^HTTP\/1\.1 101 /);
    expect(startedWithoutSocket).not.toHaveBeenCalled();
    client.socket.destroy();
  });

  it.each(["connection", "upgrade"])(
    "is answered by node:http while a listener for its %s event exists",
    async (event) => {
      const running = await start();
      const emitted = once(running.httpServer, event);
      const watched = new RawClient(running.port).send(handshake("/"));
      await emitted;
      // With another upgrade listener, either may answer.
      if (event === "connection") await watched.receives("\r\n\r\n");
      expect(startedWithoutSocket).not.toHaveBeenCalled();
      const unwatched = new RawClient(running.port).send(handshake("/"));
      await unwatched.receives("\r\n\r\n");
      expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
      for (const client of [watched, unwatched]) client.socket.destroy();
    },
  );

  it("is answered by node:http if a listener was added after the connection was accepted", async () => {
    const running = await start();
    const client = new RawClient(running.port);
    await once(client.socket, "connect");
    await vi.waitUntil(async () => (await connectionCount(running.httpServer)) === 1);
    const emitted = once(running.httpServer, "upgrade");
    client.send(handshake("/"));
    await emitted;
    expect(gaveBack).toHaveBeenCalledTimes(1);
    client.socket.destroy();
  });
});

/** Heads of every kind. The fast path answers only a few. */
const HEADS: ReadonlyArray<readonly [name: string, head: string]> = [
  ["a handshake", handshake("/")],
  ["a handshake with a query", handshake("/?a=b")],
  ["a handshake followed by a frame", handshake("/") + textFrame("early")],
  ["a handshake for a path without a route", handshake("/nothing")],
  [
    "a handshake from a page of another origin",
    handshake("/", { Origin: "https://elsewhere.example" }),
  ],
  ["a handshake from a page of the same origin", handshake("/", { Origin: "http://localhost" })],
  [
    "a handshake with two origins",
    handshake("/", { Origin: ["http://localhost", "http://localhost"] }),
  ],
  ["a handshake with version 8", handshake("/", { "Sec-WebSocket-Version": "8" })],
  ["a handshake with two versions", handshake("/", { "Sec-WebSocket-Version": ["13", "8"] })],
  ["a handshake without a key", handshake("/", { "Sec-WebSocket-Key": undefined })],
  ["a handshake with a key too short", handshake("/", { "Sec-WebSocket-Key": "dGhl" })],
  ["a handshake with two keys", handshake("/", { "Sec-WebSocket-Key": ["dGhl", "dGhl"] })],
  ["a handshake without a host", handshake("/", { Host: undefined })],
  ["a handshake with two hosts", handshake("/", { Host: ["localhost", "localhost"] })],
  ["a handshake with a malformed host", handshake("/", { Host: "a b" })],
  ["a handshake with an impossible host", handshake("/", { Host: "1.2.3.4.5" })],
  ["a handshake with two Upgrade fields", handshake("/", { Upgrade: ["websocket", "websocket"] })],
  ["a handshake with Upgrade: h2c", handshake("/", { Upgrade: "h2c, websocket" })],
  [
    "a handshake with Connection: keep-alive, Upgrade",
    handshake("/", { Connection: "keep-alive, Upgrade" }),
  ],
  [
    "a handshake with a Connection that does not list Upgrade",
    handshake("/", { Connection: "keep-alive" }),
  ],
  ["a handshake with a body", `${handshake("/", { "Content-Length": "5" })}hello`],
  ["a handshake with an empty body", handshake("/", { "Content-Length": "0" })],
  ["a handshake with two Content-Length fields", handshake("/", { "Content-Length": ["0", "0"] })],
  [
    "a handshake with a chunked body",
    `${handshake("/", { "Transfer-Encoding": "chunked" })}0\r\n\r\n`,
  ],
  ["a handshake with Expect: 100-continue", handshake("/", { Expect: "100-continue" })],
  ["a handshake with a malformed subprotocol", handshake("/", { "Sec-WebSocket-Protocol": "a b" })],
  ["a handshake with malformed extensions", handshake("/", { "Sec-WebSocket-Extensions": "a b" })],
  ["a handshake of HTTP/1.0", handshake("/", {}, "GET / HTTP/1.0")],
  ["a handshake of HTTP/1.2", handshake("/", {}, "GET / HTTP/1.2")],
  ["a handshake of HTTP/2.0", handshake("/", {}, "GET / HTTP/2.0")],
  ["a handshake with POST", handshake("/", {}, "POST / HTTP/1.1")],
  ["a handshake with HEAD", handshake("/", {}, "HEAD / HTTP/1.1")],
  ["a handshake in absolute form", handshake("/", {}, "GET http://localhost/ HTTP/1.1")],
  ["a handshake with a fragment", handshake("/", {}, "GET /#there HTTP/1.1")],
  ["a handshake for //", handshake("/", {}, "GET // HTTP/1.1")],
  ["a handshake for a path with dots", handshake("/", {}, "GET /a/../ HTTP/1.1")],
  ["a handshake for *", handshake("/", {}, "GET * HTTP/1.1")],
  ["a handshake with two spaces", handshake("/", {}, "GET  / HTTP/1.1")],
  ["a handshake after a blank line", `\r\n${handshake("/")}`],
  ["a handshake with a folded field", handshake("/", { "X-Long": "a\r\n b" })],
  ["a handshake with a bare LF", handshake("/").replace("\r\nUpgrade", "\nUpgrade")],
  ["a handshake with a bare CR", handshake("/", { "X-Odd": "a\rb" })],
  [
    "a handshake with spaces before a bare CR",
    handshake("/", { "X-Odd": `${" ".repeat(8192)}\rb` }),
  ],
  ["a handshake with white space around a value", handshake("/", { Host: " \t localhost \t " })],
  ["a handshake with a NUL", handshake("/", { "X-Odd": "a\0b" })],
  ["a handshake with white space before a colon", handshake("/", { "X-Odd ": "a" })],
  ["a handshake with a field that has no name", handshake("/", { "": "a" })],
  ["a handshake with non-ASCII bytes", handshake("/", { "X-Odd": "\xe9" })],
  ["a handshake of 100 fields", handshake("/", { X: Array<string>(95).fill("x") })],
  ["a handshake of 101 fields", handshake("/", { X: Array<string>(96).fill("x") })],
  ["a handshake of 20 KiB", handshake("/", { X: "x".repeat(20_480) })],
  ["a request for a page", "GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
  ["a request for the path of the socket", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["bytes that are not a request", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 hello\r\n\r\n"],
];

describe("the answer is the same with and without fast paths for", () => {
  /** Everything that the server sends in answer to `head`, and to a Close frame after a 101. */
  async function answerTo(head: string, fastPaths: boolean): Promise<string> {
    const { port } = await start({
      fastPaths,
      routes: { ...routes, "/page": () => new Response("page") },
    });
    const client = new RawClient(port).send(head);
    const response = await client.receives("\r\n\r\n");
    if (statusOf(response) === 101) client.send(CLOSE_FRAME);
    return (await client.closed()).replace(/^Date: .*\r\n/m, "");
  }

  it.each(HEADS)("%s", async (_name, head) => {
    const ours = await answerTo(head, true);
    await server!.stop();
    expect(ours).toBe(await answerTo(head, false));
    onError.mockClear();
  });

  it("a handshake above maxConnections", async () => {
    const answers: string[] = [];
    for (const fastPaths of [true, false]) {
      const { port } = await start({ fastPaths, maxConnections: 1 });
      const first = new RawClient(port).send(handshake("/"));
      await first.receives("\r\n\r\n");
      const refused = await new RawClient(port).send(handshake("/")).closed();
      answers.push(refused.replace(/^Date: .*\r\n/m, ""));
      first.socket.destroy();
      await server!.stop();
    }
    expect(statusOf(answers[0])).toBe(503);
    expect(answers[0]).toBe(answers[1]);
  });
});

describe("a handshake that arrives in two pieces", () => {
  const request = handshake("/");
  const cuts = Array.from({ length: request.length - 1 }, (_, index) => index + 1);

  it("passes to node:http with all bytes, wherever it is split", async () => {
    const { port } = await start();
    for (const cut of cuts) {
      gaveBack.mockClear();
      const client = new RawClient(port).send(request.slice(0, cut));
      await vi.waitUntil(() => gaveBack.mock.calls.length === 1, { interval: 1 });
      client.send(request.slice(cut) + textFrame("hello"));
      expect(await client.receives("\x81\x05hello")).toMatch(/^HTTP\/1\.1 101 /);
      client.socket.destroy();
    }
    expect(startedWithoutSocket).not.toHaveBeenCalled();
  });
});

describe("a silent connection", () => {
  it("passes to node:http after a while, which then answers a handshake", async () => {
    const { port } = await start();
    const client = new RawClient(port);
    await vi.waitUntil(() => gaveBack.mock.calls.length === 1);
    client.send(handshake("/") + textFrame("late"));
    expect(await client.receives("\x81\x04late")).toMatch(/^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });

  it("is dropped when the server stops", async () => {
    const running = await start();
    const client = new RawClient(running.port);
    await vi.waitUntil(async () => (await connectionCount(running.httpServer)) === 1);
    await running.stop();
    expect(await client.closed()).toBe("");
    expect(gaveBack).not.toHaveBeenCalled();
  });

  it("counts until its client disconnects, even by a reset", async () => {
    const { httpServer, port } = await start();
    for (const leave of ["end", "reset"] as const) {
      const client = new RawClient(port);
      await vi.waitUntil(async () => (await connectionCount(httpServer)) === 1);
      if (leave === "end") client.socket.end();
      else client.reset();
      await vi.waitUntil(async () => (await connectionCount(httpServer)) === 0);
    }
    expect(gaveBack).not.toHaveBeenCalled();
  });
});

describe("a connection without a net.Socket", () => {
  it("counts until it is closed", async () => {
    const { httpServer, port } = await start();
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    expect(await connectionCount(httpServer)).toBe(1);
    client.send(CLOSE_FRAME);
    expect(await client.closed()).toContain("\x88\x02\x03\xe8");
    await vi.waitUntil(async () => (await connectionCount(httpServer)) === 0);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("delays the close event of its HTTP server until it ends", async () => {
    const { httpServer, port } = await start();
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    let hasClosed = false;
    const closed = new Promise<void>((resolve) => {
      httpServer.close(() => {
        hasClosed = true;
        resolve();
      });
    });
    client.send(textFrame("still there"));
    await client.receives("still there");
    expect(hasClosed).toBe(false);
    client.socket.end(CLOSE_FRAME, "latin1");
    await closed;
  });

  it("ends at once when the peer ends without a Close frame", async () => {
    let done!: Socket["done"];
    const { httpServer, port } = await start({
      routes: {
        "ws:/": {
          closeTimeoutMs: 100_000,
          handle: (socket: Socket) => {
            ({ done } = socket);
            echo(socket);
          },
        },
      },
    });
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    client.socket.end(textFrame("last"), "latin1");
    expect(await client.closed()).toContain("\x81\x04last");
    expect(await done).toMatchObject({ code: 1006, wasClean: false });
    expect(await connectionCount(httpServer)).toBe(0);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("reports a reset by the peer", async () => {
    let done!: Socket["done"];
    const { port } = await start({
      routes: {
        "ws:/": (socket: Socket) => {
          ({ done } = socket);
          socket.listen(() => {});
        },
      },
    });
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    client.reset();
    const cause = { code: "ECONNRESET", syscall: "read" };
    expect(await done).toMatchObject({ code: 1006, error: { code: "TRANSPORT_FAILED", cause } });
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("has the address of its peer until the peer disconnects", async () => {
    let context!: { readonly remoteAddress: string };
    let done!: Socket["done"];
    const { port } = await start({
      routes: {
        "ws:/": (socket: Socket, given: { readonly remoteAddress: string }) => {
          ({ done } = socket);
          context = given;
        },
      },
    });
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    expect(context.remoteAddress).toBe("127.0.0.1");
    client.reset();
    await done;
    expect(context.remoteAddress).toBe("");
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("delivers data that came with the handshake first, and held-back data in order", async () => {
    let socket!: Socket;
    const { port } = await start({ routes: { "ws:/": (opened: Socket) => (socket = opened) } });
    const texts = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    const frames = texts.map(textFrame).join("");
    const client = new RawClient(port).send(handshake("/") + frames.slice(0, 5000));
    await client.receives("\r\n\r\n");
    client.send(frames.slice(5000));
    await client.whenSent;
    const received: unknown[] = [];
    socket.listen((message) => received.push(message));
    await vi.waitUntil(() => received.length === texts.length);
    expect(received).toEqual(texts);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
    client.socket.destroy();
  });

  it("buffers output that the peer does not read yet and ends after it", async () => {
    const text = "x".repeat(1 << 24);
    let wasSentAtOnce: boolean | undefined;
    let done!: Socket["done"];
    const { port } = await start({
      routes: {
        "ws:/": (socket: Socket) => {
          ({ done } = socket);
          wasSentAtOnce = socket.send(text);
          void socket.drained.then(() => socket.close());
        },
      },
    });
    const client = new RawClient(port);
    client.socket.pause();
    client.send(handshake("/"));
    await vi.waitUntil(() => wasSentAtOnce !== undefined);
    expect(wasSentAtOnce).toBe(false);
    client.socket.resume();
    const received = await client.receives("\x88\x02\x03\xe8");
    expect(received.length).toBeGreaterThan(text.length);
    client.socket.end(CLOSE_FRAME, "latin1");
    expect(await done).toMatchObject({ code: 1000, wasClean: true });
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("is destroyed by `terminate` while output is buffered", async () => {
    let socket: Socket | undefined;
    const { httpServer, port } = await start({
      routes: {
        "ws:/": (opened: Socket) => {
          socket = opened;
          opened.send("x".repeat(1 << 24));
        },
      },
    });
    const client = new RawClient(port);
    client.socket.pause();
    client.send(handshake("/"));
    await vi.waitUntil(() => socket !== undefined);
    socket!.terminate();
    expect(await socket!.done).toMatchObject({ code: 1006 });
    expect(socket!.bufferedAmount).toBeGreaterThan(0);
    await vi.waitUntil(async () => (await connectionCount(httpServer)) === 0);
    client.socket.destroy();
  });
});

describe("a handshake while `authorize` decides", () => {
  it("keeps the frames that arrive and counts as a connection", async () => {
    let allow!: (state: object) => void;
    const allowed = new Promise<object>((resolve) => (allow = resolve));
    const authorize = vi.fn<() => Promise<object>>(async () => await allowed);
    const { httpServer, port } = await start({
      routes: { "ws:/": { authorize, handle: echo } },
    });
    const client = new RawClient(port).send(handshake("/") + textFrame("first"));
    await vi.waitUntil(() => authorize.mock.calls.length === 1);
    expect(await connectionCount(httpServer)).toBe(1);
    client.send(textFrame("second"));
    await client.whenSent;
    allow({});
    expect(await client.receives("\x81\x06second")).toContain("\x81\x05first");
    expect(gaveBack).not.toHaveBeenCalled();
    client.socket.destroy();
    await vi.waitUntil(async () => (await connectionCount(httpServer)) === 0);
  });

  it("is answered with 503 when the server stops", async () => {
    const authorize = vi.fn<() => Promise<object>>(async () => await new Promise(() => {}));
    const running = await start({ routes: { "ws:/": { authorize, handle: echo } } });
    const client = new RawClient(running.port).send(handshake("/"));
    await vi.waitUntil(() => authorize.mock.calls.length === 1);
    const stopped = running.stop();
    expect(statusOf(await client.closed())).toBe(503);
    await stopped;
  });
});
