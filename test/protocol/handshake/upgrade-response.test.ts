import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors/index.ts";
import {
  type HttpRefusal,
  type UpgradeResponse,
  writeRefusal,
  writeUpgradeResponse,
} from "../../../src/protocol/handshake/index.ts";
import { catchError, stringOf, SAMPLE_ACCEPT_KEY } from "./support.ts";

function upgrade(response: Partial<UpgradeResponse> = {}): string {
  return writeUpgradeResponse({
    acceptKey: SAMPLE_ACCEPT_KEY,
    protocol: "",
    extensions: "",
    ...response,
  });
}

function refusal(response: Partial<HttpRefusal> = {}): string {
  return writeRefusal({ status: 403, message: "no", ...response });
}

/** Whether `headers` are refused, or written as one line each and one character a byte. */
function isRefusedOrWhole(headers: [string, string][]): boolean {
  let head = "";
  const error = catchError(() => (head = upgrade({ headers })));
  if (error !== undefined) return error instanceof UsageError;
  const isLatin1 = head.split("").every((char) => char.charCodeAt(0) < 256);
  return isLatin1 && head.split(/[\r\n]+/).length === 4 + headers.length + 1;
}

const INVALID_HEADERS: [string, [string, string]][] = [
  ["a CR in a value", ["X", "a\rb"]],
  ["an LF in a value", ["X", "a\nb"]],
  ["a line end and a field in a value", ["X", "a\r\nSet-Cookie: b"]],
  ["a NUL in a value", ["X", "a\u0000b"]],
  ["a DEL in a value", ["X", "a\u007fb"]],
  ["a character beyond latin-1", ["X", "\u0142"]],
  // Cut to its low byte, U+560A would be an LF.
  ["a character whose low byte is LF", ["X", "a\u560ab"]],
  ["an empty name", ["", "a"]],
  ["a name with a line end", ["X\r\nY", "a"]],
  ["a name with a colon", ["X:", "a"]],
  ["a name with a space", ["X ", "a"]],
  ["a name beyond ASCII", ["\u00e9", "a"]],
  ["a value that is no string", ["X", 1 as unknown as string]],
  ["a value that is missing", ["X", undefined as unknown as string]],
];

describe("writeUpgradeResponse (RFC 6455 4.2.2, item 5)", () => {
  it("writes the head of RFC 6455 1.3", () => {
    expect(upgrade({ protocol: "chat" })).toBe(
      "HTTP/1.1 101 Switching Protocols\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
        "Sec-WebSocket-Protocol: chat\r\n" +
        "\r\n",
    );
  });

  it("leaves out what was not agreed, and writes extensions and further fields", () => {
    expect(upgrade()).not.toMatch(/protocol:|extensions/i);
    const head = upgrade({
      extensions: "permessage-deflate; server_no_context_takeover",
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=\u00e9"],
      ],
    });
    expect(head).toContain(
      "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n" +
        "Set-Cookie: a=1\r\nSet-Cookie: b=\u00e9\r\n\r\n",
    );
  });

  it("takes further fields as a record or as Headers", () => {
    for (const headers of [{ "x-a": "1" }, new Headers({ "x-a": "1" }), new Map([["x-a", "1"]])]) {
      expect(upgrade({ headers })).toContain("\r\nx-a: 1\r\n\r\n");
    }
  });

  it.each(INVALID_HEADERS)("refuses %s with a UsageError", (_what, field) => {
    const error = catchError(() => upgrade({ headers: [["Fine", "yes"], field] }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "INVALID_HEADER" });
  });

  it("keeps the value refused, which may be a secret, out of the error", () => {
    const error = catchError(() => upgrade({ headers: { Cookie: "secret\n" } })) as Error;
    expect(error.message).toContain("Cookie");
    expect(error.message).not.toContain("secret");
  });

  it.each([
    "Upgrade",
    "connection",
    "SEC-WEBSOCKET-ACCEPT",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Anything",
    "Content-Length",
    "Transfer-Encoding",
  ])("refuses %s, which is not the caller's to set", (name) => {
    const error = catchError(() => upgrade({ headers: { [name]: "0" } }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "RESERVED_HEADER" });
  });

  it.each(["a b", "a,b", "a\r\nX: y", "\u00e9"])("refuses the subprotocol %j", (protocol) => {
    expect(catchError(() => upgrade({ protocol }))).toMatchObject({
      name: "UsageError",
      code: "INVALID_SUBPROTOCOL",
    });
  });

  it("refuses extensions or an accept key that would end the line", () => {
    for (const bad of [{ extensions: "a\r\nX: y" }, { acceptKey: "a\nb" }]) {
      expect(catchError(() => upgrade(bad))).toMatchObject({ code: "INVALID_HEADER" });
    }
  });

  it("writes no line that it was not given, whatever it is given", () => {
    const text = stringOf("aX: \r\n\t\u0000\u00e9\u0142\u560a", 5);
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 3 }), (headers) => {
        expect(isRefusedOrWhole(headers)).toBe(true);
      }),
    );
  });
});

describe("writeRefusal (RFC 9112)", () => {
  it("writes a whole response that ends the connection", () => {
    expect(refusal({ message: "Not from there." })).toBe(
      "HTTP/1.1 403 Forbidden\r\n" +
        "Connection: close\r\n" +
        "Content-Type: text/plain; charset=utf-8\r\n" +
        "Content-Length: 15\r\n" +
        "\r\n" +
        "Not from there.",
    );
  });

  it("writes the fields that a refused request calls for, Upgrade named in Connection (RFC 9110 7.8)", () => {
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    expect(refusal({ status: 426, headers })).toMatch(
      /^HTTP\/1\.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
    );
  });

  it.each(["", "plain", "\u00e9t\u00e9", "100 % \u20ac", "\u{1f30a}", "a\ud800b\udc00"])(
    "writes the message %j as UTF-8, one character a byte",
    (message) => {
      const response = refusal({ message });
      const [head, body] = response.split("\r\n\r\n");
      expect(Buffer.from(body, "latin1")).toEqual(Buffer.from(message, "utf8"));
      expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(message)}`);
    },
  );

  it("keeps a Content-Type that it is given, and a statusText", () => {
    const response = refusal({
      status: 499,
      statusText: "Not Today",
      headers: { "content-type": "application/json" },
      message: "{}",
    });
    expect(response).toMatch(/^HTTP\/1\.1 499 Not Today\r\n/);
    expect(response.match(/content-type/gi)).toHaveLength(1);
  });

  it("writes an empty reason phrase for a status it has no name for (RFC 9112 4)", () => {
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
    "refuses %s, which frames the message",
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

  it.each([200, 599])("takes the status %i, the last of those it takes", (status) => {
    expect(refusal({ status })).toContain(`HTTP/1.1 ${status} `);
  });

  it("refuses a statusText that would end the line", () => {
    expect(catchError(() => refusal({ statusText: "a\r\nX: y" }))).toMatchObject({
      code: "INVALID_HEADER",
    });
  });
});
