import { expect, it } from "vitest";
import { readOpeningRequest } from "../../../../src/node/internals/handshake/opening-request.ts";

const FIELDS = [
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

const head = (line: string, ...more: string[]): Buffer =>
  Buffer.from([line, ...FIELDS, ...more, "", ""].join("\r\n"), "latin1");

it("reads a complete opening handshake, and the bytes after it", () => {
  const bytes = Buffer.concat([head("GET /chat?a=1 HTTP/1.1"), Buffer.from([0x81, 0x80])]);
  const request = readOpeningRequest(bytes)!;
  expect(request).toMatchObject({ path: "/chat?a=1", host: "localhost" });
  expect([...request.rest]).toEqual([0x81, 0x80]);
  expect(readOpeningRequest(head("GET / HTTP/1.1"))!.rest).toHaveLength(0);
});

it.each([
  ["HTTP/1.0", head("GET / HTTP/1.0")],
  ["HTTP/2.0", head("GET / HTTP/2.0")],
  ["HTTP/2.1", head("GET / HTTP/2.1")],
  ["a URL as the target", head("GET http://localhost/ HTTP/1.1")],
  ["the target *", head("GET * HTTP/1.1")],
  ["a fragment (RFC 9112 3.2.1)", head("GET /#part HTTP/1.1")],
  ["another method", head("POST / HTTP/1.1")],
  ["a Content-Length of 5", head("GET / HTTP/1.1", "Content-Length: 5")],
  ["a Content-Length of 0", head("GET / HTTP/1.1", "Content-Length: 0")],
  ["a second Host", head("GET / HTTP/1.1", "Host: other")],
  ["an incomplete head", head("GET / HTTP/1.1").subarray(0, -1)],
  ["other bytes", Buffer.from("hello\r\n\r\n")],
])("leaves a request with %s to the HTTP server", (_what, bytes) => {
  expect(readOpeningRequest(bytes)).toBeUndefined();
});
