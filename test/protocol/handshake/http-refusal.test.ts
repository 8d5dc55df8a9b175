import { describe, expect, it } from "vitest";
import { type HttpRefusal, writeRefusal } from "../../../src/protocol/handshake/index.ts";
import { catchError, INVALID_HEADERS } from "./support.ts";

function refusal(response: Partial<HttpRefusal> = {}): string {
  return writeRefusal({ status: 403, message: "no", ...response });
}

describe("writeRefusal (RFC 9112)", () => {
  it("writes a complete response that ends the connection", () => {
    expect(refusal({ message: "Not from there." })).toBe(
      "HTTP/1.1 403 Forbidden\r\n" +
        "Connection: close\r\n" +
        "Content-Type: text/plain; charset=utf-8\r\n" +
        "Content-Length: 15\r\n" +
        "\r\n" +
        "Not from there.",
    );
  });

  it("writes the fields that a status requires, with Upgrade in Connection (RFC 9110 7.8)", () => {
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    expect(refusal({ status: 426, headers })).toMatch(
      /^HTTP\/1\.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
    );
  });

  it.each(["", "plain", "\u00e9t\u00e9", "100 % \u20ac", "\u{1f30a}", "a\ud800b\udc00"])(
    "writes the message %j as UTF-8, one character per byte",
    (message) => {
      const response = refusal({ message });
      const [head, body] = response.split("\r\n\r\n");
      expect(Buffer.from(body, "latin1")).toEqual(Buffer.from(message, "utf8"));
      expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(message)}`);
    },
  );

  it("keeps a given Content-Type and statusText", () => {
    const response = refusal({
      status: 499,
      statusText: "Not Today",
      headers: { "content-type": "application/json" },
      message: "{}",
    });
    expect(response).toMatch(/^HTTP\/1\.1 499 Not Today\r\n/);
    expect(response.match(/content-type/gi)).toHaveLength(1);
  });

  it.each([
    [400, "Bad Request"],
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "Not Found"],
    [405, "Method Not Allowed"],
    [408, "Request Timeout"],
    [413, "Content Too Large"],
    [414, "URI Too Long"],
    [421, "Misdirected Request"],
    [426, "Upgrade Required"],
    [429, "Too Many Requests"],
    [431, "Request Header Fields Too Large"],
    [500, "Internal Server Error"],
    [501, "Not Implemented"],
    [503, "Service Unavailable"],
    [505, "HTTP Version Not Supported"],
  ])("writes the reason phrase of status %i: %s (RFC 9110 15, RFC 6585)", (status, phrase) => {
    expect(refusal({ status }).split("\r\n")[0]).toBe(`HTTP/1.1 ${status} ${phrase}`);
  });

  it("writes an empty reason phrase for an unknown status (RFC 9112 4)", () => {
    expect(refusal({ status: 499 })).toMatch(/^HTTP\/1\.1 499 \r\n/);
  });

  it.each([204, 304])("writes no content with %i (RFC 9110 15)", (status) => {
    expect(refusal({ status })).toBe(`HTTP/1.1 ${status} \r\nConnection: close\r\n\r\n`);
  });

  it.each(INVALID_HEADERS)("refuses %s with a UsageError", (_what, field) => {
    expect(catchError(() => refusal({ headers: Object.fromEntries([field]) }))).toMatchObject({
      name: "UsageError",
      code: "INVALID_HEADER",
    });
  });

  it.each(["Connection", "content-length", "Transfer-Encoding"])(
    "refuses %s, which is part of the framing",
    (name) => {
      expect(catchError(() => refusal({ headers: { [name]: "0" } }))).toMatchObject({
        code: "RESERVED_HEADER",
      });
    },
  );

  it.each([0, 100, 101, 199, 600, 403.5, Number.NaN])("refuses the status %s", (status) => {
    expect(catchError(() => refusal({ status }))).toMatchObject({
      name: "UsageError",
      code: "INVALID_STATUS",
    });
  });

  it.each([200, 599])("accepts the status %i, a limit of the allowed range", (status) => {
    expect(refusal({ status })).toContain(`HTTP/1.1 ${status} `);
  });

  it("refuses a statusText with a line end", () => {
    expect(catchError(() => refusal({ statusText: "a\r\nX: y" }))).toMatchObject({
      code: "INVALID_HEADER",
    });
  });
});
