import { type Server, serve } from "tideway/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { handshake, openClient, nextMessage, RawClient, statusOf } from "../support/clients.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server;

beforeAll(async () => {
  server = await serve({
    port: 0,
    onError,
    handshakeTimeoutMs: 300,
    routes: {
      "ws:/echo": async (socket) => {
        for await (const message of socket) socket.send(message);
      },
      "get:/page": () => new Response("page"),
      "post:/page": async (request) => new Response(await request.text()),
      "/slow": async () => {
        await vi.waitFor(() => expect(slow.isDone).toBe(true), { timeout: 5000 });
        return new Response("slow page");
      },
      "/headers": (request) => Response.json(Object.fromEntries(request.headers)),
      "/where": (request, { url }) => new Response(`${request.url} ${url.href}`),
    },
  });
});

const slow = { isDone: false };

afterAll(async () => {
  // The server must still work after any client, and must have reported no error.
  const client = await openClient(server.url, "/echo");
  client.send("well");
  expect(await nextMessage(client)).toBe("well");
  await server.stop();
  expect(onError).not.toHaveBeenCalled();
});

/** The response of the server to `text` before it closes the connection. */
async function answerTo(text: string): Promise<string> {
  return await new RawClient(server.port).send(text).closed();
}

const key = "dGhlIHNhbXBsZSBub25jZQ==";

describe("the response to a malformed opening handshake", () => {
  it.each<[string, number, string]>([
    ["no version", 426, handshake("/echo", { "Sec-WebSocket-Version": undefined })],
    ["an old version", 426, handshake("/echo", { "Sec-WebSocket-Version": "8" })],
    ["a version that is not a number", 426, handshake("/echo", { "Sec-WebSocket-Version": "x" })],
    ["two versions", 400, handshake("/echo", { "Sec-WebSocket-Version": ["13", "13"] })],
    ["no key", 400, handshake("/echo", { "Sec-WebSocket-Key": undefined })],
    ["a short key", 400, handshake("/echo", { "Sec-WebSocket-Key": "c2hvcnQ=" })],
    ["a key that is not base64", 400, handshake("/echo", { "Sec-WebSocket-Key": "!".repeat(24) })],
    ["two keys", 400, handshake("/echo", { "Sec-WebSocket-Key": [key, key] })],
    ["the method POST", 405, handshake("/echo", {}, "POST /echo HTTP/1.1")],
    ["HTTP/1.0", 426, handshake("/echo", {}, "GET /echo HTTP/1.0")],
    ["a body", 400, handshake("/echo", { "Content-Length": "5" })],
    ["a chunked body", 400, handshake("/echo", { "Transfer-Encoding": "chunked" })],
    ["a malformed subprotocol", 400, handshake("/echo", { "Sec-WebSocket-Protocol": "a b" })],
    ["a repeated subprotocol", 400, handshake("/echo", { "Sec-WebSocket-Protocol": "a, a" })],
    ["a malformed extension", 400, handshake("/echo", { "Sec-WebSocket-Extensions": "a;=" })],
    ["no host", 400, handshake("/echo", { Host: undefined })],
    ["two hosts", 400, handshake("/echo", { Host: ["a", "b"] })],
    ["a malformed host", 400, handshake("/echo", { Host: "a/b" })],
    ["a malformed port", 400, handshake("/echo", { Host: "a:99999" })],
    ["a path without a route", 404, handshake("/nowhere")],
    ["a path that has only an HTTP route", 404, handshake("/page")],
  ])("with %s is %i, and the connection is closed", async (_what, status, request) => {
    const response = await answerTo(request);
    expect(statusOf(response)).toBe(status);
    expect(response).toMatch(/\r\nconnection: close\b/i);
    expect(response).toMatch(/\r\ncontent-length: [1-9]/i);
  });

  it("names the supported version (RFC 6455 4.4)", async () => {
    const response = await answerTo(handshake("/echo", { "Sec-WebSocket-Version": "7" }));
    expect(response).toMatch(/\r\nsec-websocket-version: 13\r\n/i);
    expect(response).toMatch(/\r\nupgrade: websocket\r\n/i);
  });

  it("names the allowed method (RFC 9110 15.5.6)", async () => {
    const response = await answerTo(handshake("/echo", {}, "POST /echo HTTP/1.1"));
    expect(response).toMatch(/\r\nallow: GET\r\n/i);
  });

  it("requires an upgrade if Connection does not list it (RFC 9110 7.8)", async () => {
    const response = await answerTo(handshake("/echo", { Connection: "close" }));
    expect(statusOf(response)).toBe(426);
  });

  it("of HTTP/1.0 is a request to the HTTP route of the path, because its Upgrade is ignored (RFC 9110 7.8)", async () => {
    const response = await answerTo(handshake("/page", {}, "GET /page HTTP/1.0"));
    expect(statusOf(response)).toBe(200);
    expect(response).toMatch(/\r\n\r\npage$/);
  });

  it("follows the earlier response if the handshake was pipelined", async () => {
    const client = new RawClient(server.port);
    client.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${handshake("/echo")}`);
    slow.isDone = true;
    const response = await client.closed();
    expect(response).toContain("slow page");
    expect(response.indexOf("HTTP/1.1 400")).toBeGreaterThan(response.indexOf("slow page"));
    expect(response).toMatch(
      /\r\n\r\nThe opening handshake was sent before the response to an earlier request\.\n?$/,
    );
  });
});

describe("a server that gets a malformed or unsupported request", () => {
  it.each<[string, number, string]>([
    ["garbage", 400, "\0\x01\x02 garbage\r\n\r\n"],
    ["a TLS handshake", 400, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    ["a header without a colon", 400, "GET / HTTP/1.1\r\nHost a\r\n\r\n"],
    [
      "a Content-Length and chunks",
      400,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    [
      "two lengths",
      400,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    ["no host", 400, "GET /page HTTP/1.1\r\n\r\n"],
    ["two hosts", 400, "GET /page HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    ["a host with a path", 400, "GET /page HTTP/1.1\r\nHost: a/b\r\n\r\n"],
    ["a host with a user", 400, "GET /page HTTP/1.1\r\nHost: u@b\r\n\r\n"],
    ["a malformed target", 400, "GET page HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a target of another scheme", 400, "GET ftp://a/page HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      "a head of more than 16 KiB",
      431,
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(17_000)}\r\n\r\n`,
    ],
    ["more than 100 fields", 431, `GET /page HTTP/1.1\r\nHost: a\r\n${"X: x\r\n".repeat(100)}\r\n`],
    ["CONNECT", 501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("answers %s with %i and closes the connection", async (_what, status, request) => {
    const response = await answerTo(request);
    expect(statusOf(response)).toBe(status);
    expect(response).toMatch(/\r\nconnection: close\b/i);
  });

  it.each([
    ["nothing at all", ""],
    ["half a request line", "GET /pa"],
    ["half a head", "GET /page HTTP/1.1\r\nHost: a\r\n"],
    ["half a handshake", handshake("/echo").slice(0, -2)],
  ])("answers %s and then silence with 408 after handshakeTimeoutMs", async (_what, text) => {
    expect(statusOf(await answerTo(text))).toBe(408);
  });

  it("answers more than 100 fields in a handshake with 431", async () => {
    const response = await answerTo(handshake("/echo", { X: Array(100).fill("x") as string[] }));
    expect(statusOf(response)).toBe(431);
  });

  it("answers garbage after a request once it has answered that request", async () => {
    const response = await answerTo("GET /page HTTP/1.1\r\nHost: a\r\n\r\n\0garbage\r\n\r\n");
    expect(response).toMatch(/^HTTP\/1\.1 200 .*page.*HTTP\/1\.1 400 /s);
  });

  it("answers TRACE with 501, and the connection can be reused", async () => {
    const client = new RawClient(server.port).send("TRACE /where HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(statusOf(await client.receives("TRACE is"))).toBe(501);
    client.send("GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await client.closed()).toMatch(/ 501 .* 200 .*page/s);
  });
});

describe("a server accepts unusual but valid requests:", () => {
  it("a target in absolute form, which has the host (RFC 9112 3.2.2)", async () => {
    const response = await answerTo(
      "GET http://real.example:81/where?q HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    );
    expect(response).toContain("http://real.example:81/where?q http://real.example:81/where?q");
  });

  it("a path that begins with two slashes, which does not name a host", async () => {
    const response = await answerTo(
      "GET //evil.example/where HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(statusOf(response)).toBe(404);
  });

  it("an offer of another protocol than WebSocket, which it ignores (RFC 9110 7.8)", async () => {
    const client = new RawClient(server.port);
    client.send(
      "POST /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n" +
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 4\r\n\r\nbo",
    );
    client.send("dy");
    expect(await client.receives("body")).toMatch(/^HTTP\/1\.1 200 /);
    client.send(
      "GET /headers HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n",
    );
    // Older releases of Node.js show the handler no Upgrade.
    expect(await client.closed()).toContain('{"connection":"close');
  });

  it("a handshake that offers other protocols too, in any case", async () => {
    const client = new RawClient(server.port);
    client.send(
      handshake("/echo", { Upgrade: "foo/1, WebSocket", Connection: "keep-alive, upgrade" }),
    );
    expect(await client.receives("\r\n\r\n")).toContain("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    client.socket.destroy();
  });

  it("a handshake after an answered request on the same connection", async () => {
    const client = new RawClient(server.port).send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.receives("page");
    client.send(handshake("/echo"));
    await client.receives("101 Switching Protocols");
    client.send("\x81\x82\0\0\0\0hi");
    expect(await client.receives("\x81\x02hi")).toMatch(/ 200 .* 101 /s);
    client.socket.destroy();
  });
});

describe("a client that resets the connection does not affect others", () => {
  const request = handshake("/echo");
  const stages = [0, 1, 20, request.length - 1, request.length];

  it.each(stages)("after %i bytes of a handshake", async (length) => {
    const client = new RawClient(server.port).send(request.slice(0, length));
    if (length === request.length) await client.receives("\r\n\r\n");
    else await client.whenSent;
    client.reset();
    expect(await client.closed()).toMatch(length === request.length ? /^HTTP\/1.1 101 / : /^$/);
  });

  it("during the response to its refused handshake", async () => {
    const client = new RawClient(server.port).send(handshake("/nowhere"));
    client.reset();
    expect(await client.closed()).toBe("");
  });

  it("in the middle of the body of a request", async () => {
    const client = new RawClient(server.port);
    client.send("POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin");
    await client.whenSent;
    client.reset();
    expect(await client.closed()).toBe("");
  });
});
