import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ServerHandshake,
  type ServerHandshakeOutcome,
  writeRefusal,
} from "../../../src/protocol/handshake/index.ts";
import {
  anyCuts,
  catchError,
  everyCut,
  feed,
  head,
  latin1,
  SAMPLE_KEY,
  fromLatin1,
} from "./support.ts";

const LINES = [
  "GET /chat?room=1 HTTP/1.1",
  "Host: server.example.com",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  "Origin: http://example.com",
  "Sec-WebSocket-Protocol: chat, superchat",
  "Sec-WebSocket-Extensions: permessage-deflate",
  "Sec-WebSocket-Version: 13",
];
const REQUEST = head(...LINES);
const FRAME = "\u0081\u0085\u0037\u00fa\u0021\u003d\u007f\u009f\u004d\u0051\u0058";

function receive(request: string): ServerHandshakeOutcome | undefined {
  return new ServerHandshake().receive(latin1(request));
}

/** A result with all bytes after the request, wherever the input was split. */
function outcomeOf(message: string, cuts: number[]): unknown {
  const handshake = new ServerHandshake();
  const fed = feed(
    (chunk) => {
      const outcome = handshake.receive(chunk);
      // The rest is a view, and the chunk will be overwritten.
      return outcome?.kind === "upgrade"
        ? { ...outcome, headers: [...outcome.headers], rest: fromLatin1(outcome.rest) }
        : outcome;
    },
    latin1(message),
    cuts,
  );
  if (fed?.outcome.kind !== "upgrade") return fed?.outcome;
  return { ...fed.outcome, rest: fed.outcome.rest + fromLatin1(fed.unread) };
}

function withLine(index: number, line: string): string {
  return head(...LINES.map((old, at) => (at === index ? line : old)));
}

describe("ServerHandshake (RFC 6455 4.2)", () => {
  it("accepts the request of RFC 6455 1.3 and returns its offer", () => {
    const outcome = outcomeOf(REQUEST, []);
    expect(outcome).toEqual({
      kind: "upgrade",
      key: SAMPLE_KEY,
      protocols: ["chat", "superchat"],
      extensions: [{ name: "permessage-deflate", params: [] }],
      target: "/chat?room=1",
      headers: LINES.slice(1).map((line) => line.split(": ")),
      rest: "",
    });
  });

  it("returns the bytes after the request unchanged", () => {
    const outcome = receive(REQUEST + FRAME);
    expect(outcome?.kind === "upgrade" && fromLatin1(outcome.rest)).toBe(FRAME);
  });

  it("gives the same result wherever the bytes are split", () => {
    const whole = outcomeOf(REQUEST + FRAME, []);
    expect(whole).toMatchObject({ kind: "upgrade", rest: FRAME });
    for (const cuts of everyCut(REQUEST.length + FRAME.length)) {
      expect(outcomeOf(REQUEST + FRAME, cuts), `cut at ${cuts.join()}`).toEqual(whole);
    }
    fc.assert(
      fc.property(anyCuts(REQUEST.length + FRAME.length), (cuts) => {
        expect(outcomeOf(REQUEST + FRAME, cuts)).toEqual(whole);
      }),
    );
  });

  it("waits for every byte of the request", () => {
    for (let length = 0; length < REQUEST.length; length++) {
      expect(receive(REQUEST.slice(0, length)), `${length} bytes`).toBeUndefined();
    }
  });

  it("skips blank lines before the request (RFC 9112 2.2)", () => {
    expect(receive(`\r\n\r\n${REQUEST}`)).toMatchObject({ kind: "upgrade" });
  });

  it("accepts a request with one changed byte, waits, or refuses with a valid response", () => {
    fc.assert(
      fc.property(fc.nat({ max: REQUEST.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const bytes = latin1(REQUEST);
        bytes[at] = byte;
        const outcome = new ServerHandshake().receive(bytes);
        const answer = outcome?.kind === "refuse" ? writeRefusal(outcome) : undefined;
        expect([undefined, "400", "405", "426", "505"]).toContain(answer?.slice(9, 12));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["/", "/a/b?c=d&e", "//", "http://server.example.com/chat", "HTTPS://a/?b"])(
    "accepts the request-target %s (4.1, item 2)",
    (target) => {
      expect(receive(withLine(0, `GET ${target} HTTP/1.1`))).toMatchObject({ target });
    },
  );

  it.each(["*", "chat", "server.example.com:80", "ftp://a/", "/chat#part", "http://a/#b"])(
    "refuses the request-target %s with 400",
    (target) => {
      expect(receive(withLine(0, `GET ${target} HTTP/1.1`))).toMatchObject({ status: 400 });
    },
  );

  it.each<[string, number, string]>([
    ["HTTP/1.0", 400, withLine(0, "GET /chat HTTP/1.0")],
    ["HTTP/2.0", 505, withLine(0, "GET /chat HTTP/2.0")],
    ["the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["HTTP/0.9", 400, "GET /chat\r\n"],
    ["a POST", 405, withLine(0, "POST /chat HTTP/1.1")],
    ["a TLS ClientHello", 400, "\u0016\u0003\u0001\u0002\u0000"],
    ["a WebSocket frame", 400, `${FRAME}\r\n`],
    ["an LF alone", 400, REQUEST.replaceAll("\r\n", "\n")],
    ["a folded field", 400, withLine(5, " folded: 1")],
    ["a space before a colon", 400, withLine(1, "Host : a")],
    ["a plain GET", 426, head("GET / HTTP/1.1", "Host: a")],
    ["version 8", 426, withLine(8, "Sec-WebSocket-Version: 8")],
    ["an endless request line", 414, `GET /${"a".repeat(16_384)}`],
    ["a header of more than 16 KiB", 431, withLine(5, `Cookie: ${"a".repeat(16_384)}`)],
    ["more than 100 fields", 431, head(...LINES, ...Array<string>(93).fill("A: b"))],
  ])("refuses %s with %i and a valid response", (_what, status, request) => {
    const outcome = receive(request);
    expect(outcome).toMatchObject({ kind: "refuse", status });
    expect(outcome?.kind === "refuse" && writeRefusal(outcome)).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z ]+\\r\\nConnection: close`),
    );
  });

  it.each<[string, string]>([
    ["The request is not well-formed HTTP/1.1.", `${FRAME}\r\n`],
    ["The request line is too long.", `GET /${"a".repeat(16_384)}`],
    ["The request header is too large.", withLine(5, `Cookie: ${"a".repeat(16_384)}`)],
    ["The request has too many header fields.", head(...LINES, ...Array<string>(93).fill("A: b"))],
    [
      "The request target must be a path or an http(s) URL, without a fragment.",
      withLine(0, "GET * HTTP/1.1"),
    ],
  ])("refuses with the message %j", (message, request) => {
    expect(receive(request)).toMatchObject({ kind: "refuse", message });
  });

  it("accepts 100 fields and a header of exactly 16 KiB", () => {
    expect(receive(head(...LINES, ...Array<string>(92).fill("A: b")))).toMatchObject({
      kind: "upgrade",
    });
    const padding = 16_384 - head(...LINES, "A: ").length;
    expect(receive(head(...LINES, `A: ${"a".repeat(padding)}`))).toMatchObject({ kind: "upgrade" });
    expect(receive(head(...LINES, `A: ${"a".repeat(padding + 1)}`))).toMatchObject({ status: 431 });
  });

  it("has configurable limits", () => {
    const handshake = new ServerHandshake({ maxHeaderBytes: 64, maxHeaderCount: 1 });
    expect(handshake.receive(latin1(REQUEST))).toMatchObject({ status: 431 });
    expect(catchError(() => new ServerHandshake({ maxHeaderBytes: 0 }))).toMatchObject({
      code: "INVALID_OPTION",
    });
  });

  it("refuses without further input as soon as the result is certain", () => {
    for (const beginning of ["\u0000", "GET / HTTP/1.1\r\nA: b\n", "HELO a\r\n"]) {
      expect(receive(beginning)).toMatchObject({ kind: "refuse", status: 400 });
    }
  });

  it("accepts no bytes after its result", () => {
    for (const message of [REQUEST, "\u0000"]) {
      const handshake = new ServerHandshake();
      expect(handshake.receive(latin1(message))).toBeDefined();
      expect(catchError(() => handshake.receive(latin1("a")))).toMatchObject({
        name: "UsageError",
        code: "HANDSHAKE_OVER",
      });
    }
  });
});
