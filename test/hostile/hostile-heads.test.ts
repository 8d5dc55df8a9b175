import { once } from "node:events";
import { createServer, type ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { attach, serve, type Socket } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { tcpReach } from "../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../support/clients.ts";
import { SERVER_KINDS } from "../support/server-kinds.ts";
import { TLS } from "../support/certificate.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const onError = vi.fn<(error: unknown) => void>();
const observed: { state?: unknown; query?: unknown; protocol?: string; params?: object } = {};

const routes = {
  "ws:/": {
    protocols: ["constructor", ""],
    authorize: (request: Request) => Object.fromEntries(request.headers),
    handle: (
      socket: Socket,
      { state, request, protocol }: { state: unknown; request: Request; protocol: string },
    ) => {
      observed.state = state;
      observed.query = [...new URL(request.url).searchParams];
      observed.protocol = protocol;
      socket.send("let in");
    },
  },
  "ws:/:name": (socket: Socket, { params }: { params: Record<string, string | undefined> }) => {
    observed.params = params;
    socket.send("let in");
  },
};

describe.each(SERVER_KINDS)("the head of a handshake, over $name,", ({ start }) => {
  it.each<[string, number, string]>([
    ["2000 fields", 431, handshake("/", { X: Array<string>(2000).fill("x") })],
    [
      "600 of the shortest fields",
      431,
      `${handshake("/").slice(0, -2)}${"a:\r\n".repeat(600)}\r\n`,
    ],
    ["101 fields", 431, handshake("/", { X: Array<string>(96).fill("x") })],
    ["more than 16 KiB", 431, handshake("/", { X: "x".repeat(16_384) })],
    ["a value and then 1 MB of spaces", 431, handshake("/", { X: `x${" ".repeat(1_000_000)}` })],
    ["a path of 20 kB", 431, handshake(`/${"x".repeat(20_000)}`)],
    ["a folded field (RFC 9112 5.2)", 400, handshake("/", { X: "a\r\n b" })],
    ["a folded Origin", 400, handshake("/", { Origin: "http://localhost\r\n .example" })],
    ["a bare CR (RFC 9112 2.2)", 400, handshake("/", { X: "a\rb" })],
    ["a bare LF", 400, handshake("/", { X: "a\nOrigin: b" })],
    ["a NUL", 400, handshake("/", { X: "a\0b" })],
    ["a control character", 400, handshake("/", { X: "a\x01b" })],
    ["a non-ASCII name", 400, handshake("/", { "X\xe9": "a" })],
    ["a space before a colon (RFC 9112 5.1)", 400, handshake("/", { "X ": "a" })],
    ["a non-ASCII path", 400, handshake("/\xe9")],
    ["two Content-Length fields of 0", 400, handshake("/", { "Content-Length": ["0", "0"] })],
    ["a negative Content-Length", 400, handshake("/", { "Content-Length": "-1" })],
    ["an empty Host", 400, handshake("/", { Host: "" })],
    ["two equal Host fields", 400, handshake("/", { Host: ["localhost", "localhost"] })],
    ["two equal versions", 400, handshake("/", { "Sec-WebSocket-Version": ["13", "13"] })],
    ["two equal keys", 400, handshake("/", { "Sec-WebSocket-Key": [key, key] })],
  ])(
    "with %s is answered with %i and does not affect other clients",
    async (_what, status, head) => {
      await using server = await start(routes, { onError });
      const client = new RawClient(server).send(handshake("/"));
      await client.receives("let in");
      expect(statusOf(await new RawClient(server).send(head).closed())).toBe(status);
      client.send("\x89\x80\0\0\0\0");
      await client.receives("\x8a\0");
      client.socket.destroy();
      expect(onError).not.toHaveBeenCalled();
    },
  );

  it.each<[string, string]>([
    ["100 fields", handshake("/", { X: Array<string>(95).fill("x") })],
    ["a non-ASCII value (RFC 9110 5.5)", handshake("/", { X: "\xe9\xff" })],
    ["1 MB of spaces before a value", handshake("/", { X: `${" ".repeat(1_000_000)}x` })],
    [
      "spaces in an offer",
      handshake("/", { "Sec-WebSocket-Extensions": `a${" ".repeat(15_000)};b` }),
    ],
    ["blank lines before it", `${"\r\n".repeat(10_000)}${handshake("/")}`],
  ])("with %s is accepted", async (_what, head) => {
    await using server = await start(routes, { onError });
    const client = new RawClient(server).send(head);
    expect(statusOf(await client.receives("let in"))).toBe(101);
    client.socket.destroy();
  });

  it("may use names that every object has", async () => {
    await using server = await start(routes, { onError });
    const names = "__proto__, constructor, toString";
    const client = new RawClient(server).send(
      handshake("/?__proto__=1&constructor=2", {
        ["__proto__"]: "a",
        constructor: "b",
        "Sec-WebSocket-Protocol": names,
        "Sec-WebSocket-Extensions": `${names}; __proto__=1; constructor`,
      }),
    );
    const head = await client.receives("let in");
    expect(head).toMatch(/\r\nsec-websocket-protocol: constructor\r\n/i);
    expect(head).not.toMatch(/sec-websocket-extensions/i);
    expect(observed.protocol).toBe("constructor");
    expect(observed.query).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
    expect(observed.state).toHaveProperty("constructor", "b");
    expect(Object.prototype).not.toHaveProperty("a");
    client.socket.destroy();

    const other = new RawClient(server).send(handshake("/__proto__"));
    await other.receives("let in");
    expect({ ...observed.params }).toEqual({ name: "__proto__" });
    other.socket.destroy();
  });
});

describe("a handshake that never ends", () => {
  it("because its head arrives byte by byte is answered with 408 after handshakeTimeoutMs", async () => {
    await using server = await serve({ port: 0, routes, onError, handshakeTimeoutMs: 200 });
    const client = new RawClient(server.port).send(`GET / HTTP/1.1\r\nHost: a\r\nX: `);
    const closed = client.closed();
    let isOver = false;
    void closed.then(() => (isOver = true));
    await vi.waitUntil(() => client.send("x") && isOver, { interval: 10, timeout: 10_000 });
    expect(statusOf(await closed)).toBe(408);
  });

  it("because the TLS handshake does not end is dropped after handshakeTimeoutMs", async () => {
    const options = { tls: TLS, handshakeTimeoutMs: 100 };
    await using server = await serve({ port: 0, routes, onError, ...options });
    // The start of a ClientHello of 512 bytes, then a byte from time to time.
    const client = new RawClient(server.port).send("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03");
    let isOver = false;
    void client.closed().then(() => (isOver = true));
    await vi.waitUntil(() => client.send("x") && isOver, { interval: 10, timeout: 10_000 });
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("an HTTP server with custom options", () => {
  const listen = async (options: ServerOptions & { maxHeadersCount?: number }) => {
    const httpServer = createServer(options);
    httpServer.maxHeadersCount = options.maxHeadersCount ?? null;
    const attachment = attach(httpServer, { routes, onError });
    await once(httpServer.listen(0, "127.0.0.1"), "listening");
    return {
      ...tcpReach((httpServer.address() as AddressInfo).port),
      async [Symbol.asyncDispose]() {
        await attachment.stop();
        httpServer.close();
        httpServer.closeAllConnections();
      },
    };
  };

  it.each([
    [10, 4, 101],
    [10, 5, 431],
    [31, 30, 431],
    [50, 80, 431],
    // Node.js drops nothing.
    [0, 94, 101],
  ])(
    "such as maxHeadersCount %i answers a handshake with %i additional fields with %i",
    async (maxHeadersCount, count, status) => {
      await using server = await listen({ maxHeadersCount });
      // If the last field were dropped, as Node does, the page would not be of another origin.
      const fields = { X: Array<string>(count).fill("x") };
      const client = new RawClient(server).send(handshake("/", fields));
      expect(statusOf(await client.receives("\r\n\r\n"))).toBe(status);
      client.socket.destroy();
    },
  );

  it("such as insecureHTTPParser survives every request that its parser accepts", async () => {
    await using server = await listen({ insecureHTTPParser: true });
    for (const value of ["a\0b", "a\x01b", "a\rb", "a\x7fb", "\r\n b"]) {
      const response = await new RawClient(server)
        .send(handshake("/", { X: value, Connection: "Upgrade" }))
        .receives("\r\n\r\n");
      expect([101, 400]).toContain(statusOf(response));
    }
  });
});
