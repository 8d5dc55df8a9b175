/**
 * Who reads the first bytes of a connection: this package, where they are an opening handshake beyond
 * doubt, or `node:http`. Nobody can tell from the answers.
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
  it("is answered without node:http, in every version of Node that this is run on", async () => {
    const { port } = await start();
    const client = new RawClient(port).send(handshake("/"));
    expect(await client.receives("\r\n\r\n")).toMatch(/^HTTP\/1\.1 101 /);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
    expect(gaveBack).not.toHaveBeenCalled();
    client.socket.destroy();
  });

  it("may fill most of the read buffer, and the memory after it is never taken for bytes", async () => {
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

  it("has only the bytes that were read, with a buffer of any size", () => {
    const onFirstBytes = vi.fn<(connection: PendingConnection, bytes: Buffer) => void>();
    const host = { onFirstBytes, onSilence: () => {}, onGone: () => {} };
    const handle = { readStart: () => 0 } as unknown as TcpHandle;
    new PendingConnection(handle, host, 1000).onRead(3, Uint8Array.of(1, 2, 3, 4, 5).buffer);
    expect([...onFirstBytes.mock.calls[0][1]]).toEqual([1, 2, 3]);
  });

  it("is left to node:http without fast paths", async () => {
    const { port } = await start({ fastPaths: false });
    const client = new RawClient(port).send(handshake("/"));
    expect(await client.receives("\r\n\r\n")).toMatch(/^HTTP\/1\.1 101 /);
    expect(startedWithoutSocket).not.toHaveBeenCalled();
    client.socket.destroy();
  });

  it.each(["connection", "upgrade"])(
    "is left to node:http while somebody listens to its %s event",
    async (event) => {
      const running = await start();
      const emitted = once(running.httpServer, event);
      const watched = new RawClient(running.port).send(handshake("/"));
      await emitted;
      // An upgrade that has another listener is that one's to answer too.
      if (event === "connection") await watched.receives("\r\n\r\n");
      expect(startedWithoutSocket).not.toHaveBeenCalled();
      const unwatched = new RawClient(running.port).send(handshake("/"));
      await unwatched.receives("\r\n\r\n");
      expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
      for (const client of [watched, unwatched]) client.socket.destroy();
    },
  );

  it("is left to node:http if somebody has begun to listen since its connection came", async () => {
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

/** Heads of every kind, most of which are none that the first look answers. */
const HEADS: ReadonlyArray<readonly [name: string, head: string]> = [
  ["a handshake", handshake("/")],
  ["one with a query", handshake("/?a=b")],
  ["one with a frame behind it", handshake("/") + textFrame("early")],
  ["one for nothing that there is", handshake("/nothing")],
  ["one by a page of another origin", handshake("/", { Origin: "https://elsewhere.example" })],
  ["one by a page of this origin", handshake("/", { Origin: "http://localhost" })],
  ["one with two origins", handshake("/", { Origin: ["http://localhost", "http://localhost"] })],
  ["one of version 8", handshake("/", { "Sec-WebSocket-Version": "8" })],
  ["one of two versions", handshake("/", { "Sec-WebSocket-Version": ["13", "8"] })],
  ["one without a key", handshake("/", { "Sec-WebSocket-Key": undefined })],
  ["one with a key too short", handshake("/", { "Sec-WebSocket-Key": "dGhl" })],
  ["one with two keys", handshake("/", { "Sec-WebSocket-Key": ["dGhl", "dGhl"] })],
  ["one without a host", handshake("/", { Host: undefined })],
  ["one with two hosts", handshake("/", { Host: ["localhost", "localhost"] })],
  ["one with a malformed host", handshake("/", { Host: "a b" })],
  ["one with an impossible host", handshake("/", { Host: "1.2.3.4.5" })],
  ["one with two Upgrade fields", handshake("/", { Upgrade: ["websocket", "websocket"] })],
  ["one that would rather have h2c", handshake("/", { Upgrade: "h2c, websocket" })],
  ["one that keeps alive too", handshake("/", { Connection: "keep-alive, Upgrade" })],
  ["one whose Upgrade is not for this hop", handshake("/", { Connection: "keep-alive" })],
  ["one with a body", `${handshake("/", { "Content-Length": "5" })}hello`],
  ["one with a body of no bytes", handshake("/", { "Content-Length": "0" })],
  ["one with two lengths", handshake("/", { "Content-Length": ["0", "0"] })],
  ["one with a chunked body", `${handshake("/", { "Transfer-Encoding": "chunked" })}0\r\n\r\n`],
  ["one that expects 100", handshake("/", { Expect: "100-continue" })],
  ["one with a malformed subprotocol", handshake("/", { "Sec-WebSocket-Protocol": "a b" })],
  ["one with malformed extensions", handshake("/", { "Sec-WebSocket-Extensions": "a b" })],
  ["one of HTTP/1.0", handshake("/", {}, "GET / HTTP/1.0")],
  ["one of HTTP/1.2", handshake("/", {}, "GET / HTTP/1.2")],
  ["one of HTTP/2.0", handshake("/", {}, "GET / HTTP/2.0")],
  ["one by POST", handshake("/", {}, "POST / HTTP/1.1")],
  ["one by HEAD", handshake("/", {}, "HEAD / HTTP/1.1")],
  ["one in absolute form", handshake("/", {}, "GET http://localhost/ HTTP/1.1")],
  ["one with a fragment", handshake("/", {}, "GET /#there HTTP/1.1")],
  ["one for two slashes", handshake("/", {}, "GET // HTTP/1.1")],
  ["one for dots", handshake("/", {}, "GET /a/../ HTTP/1.1")],
  ["one for an asterisk", handshake("/", {}, "GET * HTTP/1.1")],
  ["one with two spaces", handshake("/", {}, "GET  / HTTP/1.1")],
  ["one behind a blank line", `\r\n${handshake("/")}`],
  ["one with a folded field", handshake("/", { "X-Long": "a\r\n b" })],
  ["one with a bare LF", handshake("/").replace("\r\nUpgrade", "\nUpgrade")],
  ["one with a bare CR", handshake("/", { "X-Odd": "a\rb" })],
  ["one with spaces before a bare CR", handshake("/", { "X-Odd": `${" ".repeat(8192)}\rb` })],
  ["one with white space around a value", handshake("/", { Host: " \t localhost \t " })],
  ["one with a NUL", handshake("/", { "X-Odd": "a\0b" })],
  ["one with white space before a colon", handshake("/", { "X-Odd ": "a" })],
  ["one with a field that has no name", handshake("/", { "": "a" })],
  ["one with bytes beyond ASCII", handshake("/", { "X-Odd": "\xe9" })],
  ["one of 100 fields", handshake("/", { X: Array<string>(95).fill("x") })],
  ["one of 101 fields", handshake("/", { X: Array<string>(96).fill("x") })],
  ["one of 20 KiB", handshake("/", { X: "x".repeat(20_480) })],
  ["a request for a page", "GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
  ["a request for the socket's page", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["what is no request", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 hello\r\n\r\n"],
];

describe("whoever reads it first, the same is answered to", () => {
  /** All that the server says to `head`, and to a Close frame where it lets it in. */
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

  it("a handshake that the server is too full for", async () => {
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

describe("a handshake that comes in two pieces", () => {
  const request = handshake("/");
  const cuts = Array.from({ length: request.length - 1 }, (_, index) => index + 1);

  it("is left to node:http, bytes and all, wherever it is cut", async () => {
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

describe("a connection on which nothing is said", () => {
  it("is left to node:http after a while, which takes a handshake then", async () => {
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

  it("is counted until its client goes, by a reset too", async () => {
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

describe("a connection without a socket of Node's", () => {
  it("is counted by its server until it is closed", async () => {
    const { httpServer, port } = await start();
    const client = new RawClient(port).send(handshake("/"));
    await client.receives("\r\n\r\n");
    expect(await connectionCount(httpServer)).toBe(1);
    client.send(CLOSE_FRAME);
    expect(await client.closed()).toContain("\x88\x02\x03\xe8");
    await vi.waitUntil(async () => (await connectionCount(httpServer)) === 0);
    expect(startedWithoutSocket).toHaveBeenCalledTimes(1);
  });

  it("has to end before its HTTP server has closed", async () => {
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

  it("ends at once behind a peer that ends without a Close frame", async () => {
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

  it("tells of a reset by the peer", async () => {
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

  it("knows where its peer is, until that has gone", async () => {
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

  it("delivers what came with the handshake first, and what a pause has held back in order", async () => {
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

  it("keeps what the peer does not take yet, and ends behind it", async () => {
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

  it("is dropped by `terminate` while output waits", async () => {
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

describe("a handshake that `authorize` takes its time for", () => {
  it("keeps the frames that come meanwhile, and is counted", async () => {
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

  it("is told so when the server stops meanwhile", async () => {
    const authorize = vi.fn<() => Promise<object>>(async () => await new Promise(() => {}));
    const running = await start({ routes: { "ws:/": { authorize, handle: echo } } });
    const client = new RawClient(running.port).send(handshake("/"));
    await vi.waitUntil(() => authorize.mock.calls.length === 1);
    const stopped = running.stop();
    expect(statusOf(await client.closed())).toBe(503);
    await stopped;
  });
});
