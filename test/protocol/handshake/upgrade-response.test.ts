import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors/index.ts";
import {
  type UpgradeResponse,
  writeUpgradeResponse,
} from "../../../src/protocol/handshake/index.ts";
import { catchError, INVALID_HEADERS, stringOf, SAMPLE_ACCEPT_KEY } from "./support.ts";

function upgrade(response: Partial<UpgradeResponse> = {}): string {
  return writeUpgradeResponse({
    acceptKey: SAMPLE_ACCEPT_KEY,
    protocol: "",
    extensions: "",
    ...response,
  });
}

/** Whether `headers` throw or are written one per line and one character per byte. */
function isRefusedOrWhole(headers: [string, string][]): boolean {
  let head = "";
  const error = catchError(() => (head = upgrade({ headers })));
  if (error !== undefined) return error instanceof UsageError;
  const isLatin1 = head.split("").every((char) => char.charCodeAt(0) < 256);
  return isLatin1 && head.split(/[\r\n]+/).length === 4 + headers.length + 1;
}

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

  it("omits what was not negotiated, and writes extensions and further header fields", () => {
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

  it("accepts header fields as a record or as Headers", () => {
    for (const headers of [{ "x-a": "1" }, new Headers({ "x-a": "1" }), new Map([["x-a", "1"]])]) {
      expect(upgrade({ headers })).toContain("\r\nx-a: 1\r\n\r\n");
    }
  });

  it.each(INVALID_HEADERS)("refuses %s with a UsageError", (_what, field) => {
    const error = catchError(() => upgrade({ headers: [["Fine", "yes"], field] }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "INVALID_HEADER" });
  });

  it("does not quote the refused value, which may be secret, in the error", () => {
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
  ])("refuses %s, which only the handshake sets", (name) => {
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

  it("refuses extensions or an accept key with a line end", () => {
    for (const bad of [{ extensions: "a\r\nX: y" }, { acceptKey: "a\nb" }]) {
      expect(catchError(() => upgrade(bad))).toMatchObject({ code: "INVALID_HEADER" });
    }
  });

  it("writes only the given lines for any input", () => {
    const text = stringOf("aX: \r\n\t\u0000\u00e9\u0142\u560a", 5);
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 3 }), (headers) => {
        expect(isRefusedOrWhole(headers)).toBe(true);
      }),
    );
  });
});
