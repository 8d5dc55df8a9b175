import { describe, expect, it } from "vitest";
import { ask, connectRaw, fieldOf, startServer, statusAndBody } from "./support.ts";

describe("a request that is not a valid handshake", () => {
  it.each<[string, Record<string, string | string[] | undefined>, string, string]>([
    [
      "without an Upgrade to websocket",
      { Upgrade: "h2c" },
      "400 Bad Request",
      "Invalid Upgrade header",
    ],
    [
      "without a key",
      { "Sec-WebSocket-Key": undefined },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Key header",
    ],
    [
      "with a short key",
      { "Sec-WebSocket-Key": "P5l8BJcZwRc=" },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Key header",
    ],
    [
      "with two keys",
      { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Key header",
    ],
    [
      "without a version",
      { "Sec-WebSocket-Version": undefined },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Version header",
    ],
    [
      "with an unsupported version",
      { "Sec-WebSocket-Version": "12" },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Version header",
    ],
    [
      "with two versions",
      { "Sec-WebSocket-Version": "8, 13" },
      "400 Bad Request",
      "Missing or invalid Sec-WebSocket-Version header",
    ],
    [
      "with a subprotocol that is not a token",
      { "Sec-WebSocket-Protocol": "a;b" },
      "400 Bad Request",
      "Invalid Sec-WebSocket-Protocol header",
    ],
    [
      "with the same subprotocol twice",
      { "Sec-WebSocket-Protocol": ["a", "a"] },
      "400 Bad Request",
      "Invalid Sec-WebSocket-Protocol header",
    ],
    [
      "with an empty list of subprotocols",
      { "Sec-WebSocket-Protocol": "," },
      "400 Bad Request",
      "Invalid Sec-WebSocket-Protocol header",
    ],
    [
      "with a body, which would be read as frames",
      { "Content-Length": "3" },
      "400 Bad Request",
      "A WebSocket handshake must not have a body",
    ],
    [
      "with a chunked body",
      { "Transfer-Encoding": "chunked" },
      "400 Bad Request",
      "A WebSocket handshake must not have a body",
    ],
  ])("%s gets an error", async (_name, fields, status, body) => {
    const response = await ask(await startServer(), fields);
    expect(statusAndBody(response)).toEqual([status, body]);
    expect(fieldOf(response, "connection")).toBe("close");
    expect(fieldOf(response, "content-type")).toBe("text/html");
  });

  it("gets 405 with Allow for another method (RFC 9110 15.5.6)", async () => {
    const response = await ask(await startServer(), {}, "POST / HTTP/1.1");
    expect(statusAndBody(response)).toEqual(["405 Method Not Allowed", "Invalid HTTP method"]);
    expect(fieldOf(response, "allow")).toBe("GET");
  });

  it("gets a response that names the supported versions (RFC 6455 4.4)", async () => {
    const response = await ask(await startServer(), { "Sec-WebSocket-Version": "7" });
    expect(fieldOf(response, "sec-websocket-version")).toBe("13, 8");
  });
});

describe("a valid handshake", () => {
  it.each<[string, Record<string, string | string[] | undefined>]>([
    ["version 13", {}],
    ["version 8", { "Sec-WebSocket-Version": "8" }],
    ["several protocols in Upgrade", { Upgrade: "h2c, WebSocket" }],
    ["several options in Connection", { Connection: "keep-alive, Upgrade" }],
    ["an empty body", { "Content-Length": "0" }],
    ["no Host", { Host: undefined }],
    ["an extension that the server does not support", { "Sec-WebSocket-Extensions": "foo; bar" }],
  ])("with %s is accepted", async (_name, fields) => {
    const response = await ask(await startServer({ perMessageDeflate: true }), fields);
    expect(response).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
  });

  it("may be followed at once by frames", async () => {
    const server = await startServer();
    const messages = new Promise((resolve) => {
      server.on("connection", (client) =>
        client.on("message", (data) => resolve((data as Buffer).toString())),
      );
    });
    // "Hello" with the masking key 37fa213d (RFC 6455 5.7).
    connectRaw(server).send("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    expect(await messages).toBe("Hello");
  });
});
