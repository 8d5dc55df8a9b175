import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type HttpHead,
  type HttpHeadFault,
  type HttpHeadLimits,
  HttpHeadReader,
  parseRequestLine,
  parseStatusLine,
  type RequestLine,
} from "../../../src/protocol/handshake/http-head.ts";
import {
  anyCuts,
  catchError,
  everyCut,
  feed,
  fieldValue,
  head,
  latin1,
  stringOf,
  token,
} from "./support.ts";

type Result = HttpHead<RequestLine> | HttpHeadFault;

function requestReader(limits: HttpHeadLimits = {}): HttpHeadReader<RequestLine> {
  return new HttpHeadReader({ ...limits, parseStartLine: parseRequestLine });
}

function read(message: string, limits?: HttpHeadLimits): Result | undefined {
  return requestReader(limits).receive(latin1(message));
}

function fieldsOf(...lines: string[]): readonly string[] | undefined {
  const result = read(head("GET / HTTP/1.1", ...lines));
  return result?.kind === "head" ? result.rawHeaders : undefined;
}

/** The result for `message` split at `cuts`: the fault, or the head and the bytes after it. */
function outcomeOf(message: string, cuts: number[], limits?: HttpHeadLimits): unknown {
  const reader = requestReader(limits);
  let lastLength = 0;
  const fed = feed(
    (chunk) => {
      lastLength = chunk.length;
      return reader.receive(chunk);
    },
    latin1(message),
    cuts,
  );
  if (fed?.outcome.kind !== "head") return fed?.outcome;
  const { end, ...rest } = fed.outcome;
  return { ...rest, followed: fed.unread.length + lastLength - end };
}

describe("HttpHeadReader (RFC 9112 2 and 5)", () => {
  it("reads a start line and fields, and returns where the rest begins", () => {
    const message = `${head("GET /a?b HTTP/1.1", "Host: x", "X-Y:\t1 2 \t", "Empty:")}rest`;
    expect(read(message)).toEqual({
      kind: "head",
      startLine: { method: "GET", target: "/a?b", versionMajor: 1, versionMinor: 1 },
      rawHeaders: ["Host", "x", "X-Y", "1 2", "Empty", ""],
      end: message.length - 4,
    });
  });

  it("keeps obs-text as Latin-1 (RFC 9110 5.5)", () => {
    expect(fieldsOf("X: \u0080\u00e9\u00ff\u00a0")).toEqual(["X", "\u0080\u00e9\u00ff\u00a0"]);
  });

  it("keeps colons in a value, and fields named like properties of every object", () => {
    expect(fieldsOf("Host: a:80", "__proto__: 1", "constructor: 2")).toEqual([
      "Host",
      "a:80",
      "__proto__",
      "1",
      "constructor",
      "2",
    ]);
  });

  it("reads the next head from the end of the previous head", () => {
    const message = latin1(head("GET /1 HTTP/1.1", "A: 1") + head("GET /2 HTTP/1.1", "B: 2"));
    const reader = requestReader();
    const first = reader.receive(message) as HttpHead<RequestLine>;
    expect(first).toMatchObject({ startLine: { target: "/1" }, rawHeaders: ["A", "1"] });
    expect(reader.receive(message, first.end)).toEqual({
      kind: "head",
      startLine: { method: "GET", target: "/2", versionMajor: 1, versionMinor: 1 },
      rawHeaders: ["B", "2"],
      end: message.length,
    });
  });

  it.each<[string, string]>([
    ["a folded field (5.2)", head("GET / HTTP/1.1", "A: 1", " folded")],
    ["a field folded with a tab (5.2)", head("GET / HTTP/1.1", "A: 1", "\tB: 2")],
    ["white space before the first field (2.2)", head("GET / HTTP/1.1", " A: 1")],
    ["a line of one space", head("GET / HTTP/1.1", " ")],
    ["a space before the colon (5.1)", head("GET / HTTP/1.1", "A : 1")],
    ["a tab before the colon (5.1)", head("GET / HTTP/1.1", "A\t: 1")],
    ["a field without a colon", head("GET / HTTP/1.1", "A")],
    ["a field without a name", head("GET / HTTP/1.1", ": 1")],
    ["a name that is not a token", head("GET / HTTP/1.1", "A(b): 1")],
    ["a non-ASCII name", head("GET / HTTP/1.1", "\u00e9: 1")],
    ["an LF without CR in a field (2.2)", "GET / HTTP/1.1\r\nA: 1\nB: 2\r\n\r\n"],
    ["only LF as line ends (2.2)", "GET / HTTP/1.1\nA: 1\n\n"],
    ["an LF for the blank line", "GET / HTTP/1.1\r\nA: 1\r\n\n"],
    ["a CR without LF in a value (2.2)", "GET / HTTP/1.1\r\nA: 1\rB: 2\r\n\r\n"],
    ["two CRs", "GET / HTTP/1.1\r\nA: 1\r\r\n\r\n"],
    ["a CR for the blank line", "GET / HTTP/1.1\r\nA: 1\r\n\rx"],
    ["a malformed start line", head("GET /", "A: 1")],
    ["a blank line before the start line", `\r\n${head("GET / HTTP/1.1")}`],
    ["a TLS ClientHello", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000"],
  ])("reports a fault for %s", (_what, message) => {
    expect(read(message)).toMatchObject({ kind: "fault", fault: "malformed" });
  });

  it("reports a fault for control characters except tab in a name, a value and a start line", () => {
    for (const code of [...Array(32).keys(), 0x7f]) {
      if (code === 0x09) continue;
      const char = String.fromCharCode(code);
      for (const message of [
        head("GET / HTTP/1.1", `A${char}: 1`),
        head("GET / HTTP/1.1", `A: 1${char}2`),
        head(`GET /${char} HTTP/1.1`),
      ]) {
        expect(read(message), `U+${code.toString(16)}`).toMatchObject({ fault: "malformed" });
      }
    }
  });

  it.each<[string, string]>([
    ["a folded header field", " folded"],
    ["a header field without a colon", "A"],
    ["a header field name that is not a token", "A : 1"],
    ["an LF without CR", "A: 1\n"],
    ["a CR without LF", "A: 1\r"],
    ["the control character 0", "A: \u0000"],
  ])("describes the fault: %s", (fault, line) => {
    const message = `the HTTP message has ${fault}`;
    expect(read(head("GET / HTTP/1.1", line))).toMatchObject({ message });
  });

  it("returns the fault again on further input", () => {
    const reader = requestReader();
    const fault = reader.receive(latin1("GET / HTTP/1.1\n"));
    expect(fault).toMatchObject({
      kind: "fault",
      message: "the HTTP message has an LF without CR",
    });
    expect(reader.receive(latin1(head("GET / HTTP/1.1")))).toBe(fault);
    expect(reader.receive(new Uint8Array())).toBe(fault);
  });

  it("reports a fault at the byte that causes it, before the end of the line", () => {
    expect(read("\u0000")).toMatchObject({ fault: "malformed" });
    expect(read("GET / HTTP/1.1\r\nA: 1\u0000")).toMatchObject({ fault: "malformed" });
    expect(read("GET /\r\n")).toMatchObject({ fault: "malformed" });
  });

  it("skips blank lines before the start line on request (RFC 9112 2.2)", () => {
    const options = { parseStartLine: parseRequestLine, skipsLeadingBlankLines: true };
    const message = latin1(`\r\n\r\n${head("GET / HTTP/1.1", "A: 1")}`);
    const reader = new HttpHeadReader(options);
    expect(reader.receive(message)).toMatchObject({ kind: "head", rawHeaders: ["A", "1"] });
    const unending = new HttpHeadReader({ ...options, maxHeaderBytes: 100 });
    expect(unending.receive(latin1("\r\n".repeat(51)))).toMatchObject({ kind: "fault" });
  });
});

describe("HttpHeadReader's limits", () => {
  const message = head("GET / HTTP/1.1", "Host: example.com", "A: 1");

  it("accept a head of exactly maxHeaderBytes and refuse one byte more", () => {
    expect(read(message, { maxHeaderBytes: message.length })).toMatchObject({ kind: "head" });
    expect(read(message, { maxHeaderBytes: message.length - 1 })).toEqual({
      kind: "fault",
      fault: "too-many-bytes",
      message: `the HTTP header exceeds maxHeaderBytes ${message.length - 1}`,
    });
  });

  it("do not count bytes after the blank line", () => {
    const result = read(`${message}${"x".repeat(1000)}`, { maxHeaderBytes: message.length });
    expect(result).toMatchObject({ kind: "head", end: message.length });
  });

  it("are 16384 bytes and 100 fields by default", () => {
    const padding = 16_384 - head("GET / HTTP/1.1", "A: ").length;
    expect(fieldsOf(`A: ${"x".repeat(padding)}`)).toHaveLength(2);
    expect(fieldsOf(`A: ${"x".repeat(padding + 1)}`)).toBeUndefined();
    expect(fieldsOf(...Array<string>(100).fill("A: 1"))).toHaveLength(200);
    expect(read(head("GET / HTTP/1.1", ...Array<string>(101).fill("A: 1")))).toMatchObject({
      fault: "too-many-fields",
      message: "the HTTP header has more fields than maxHeaderCount 100",
    });
  });

  it("distinguish a start line that is too long from fields that are too long (RFC 9112 3)", () => {
    expect(read(`GET /${"a".repeat(100)}`, { maxHeaderBytes: 64 })).toMatchObject({
      fault: "start-line-too-long",
    });
  });

  it("apply to all heads together", () => {
    const bytes = latin1(message + message);
    const reader = requestReader({ maxHeaderBytes: message.length * 2 - 1 });
    const first = reader.receive(bytes) as HttpHead<RequestLine>;
    expect(reader.receive(bytes, first.end)).toMatchObject({ fault: "too-many-bytes" });

    const counting = requestReader({ maxHeaderCount: 3 });
    counting.receive(bytes);
    expect(counting.receive(bytes, first.end)).toMatchObject({ fault: "too-many-fields" });
  });

  it("allow lines with more bytes than one function call can have arguments", () => {
    const size = 1 << 20;
    const result = read(head("GET / HTTP/1.1", `A: ${"x".repeat(size)}`), {
      maxHeaderBytes: 2 * size,
    });
    expect(result).toMatchObject({ kind: "head", rawHeaders: ["A", "x".repeat(size)] });
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])("must not be %s", (limit) => {
    for (const limits of [{ maxHeaderBytes: limit }, { maxHeaderCount: limit }]) {
      expect(catchError(() => requestReader(limits))).toMatchObject({
        name: "UsageError",
        code: "INVALID_OPTION",
      });
    }
  });
});

describe("HttpHeadReader on split input", () => {
  it("gives the same result wherever a head is split, and waits for each byte", () => {
    const message = head("GET /chat HTTP/1.1", "Host: a", "X: \u00e9", "Y:");
    const whole = outcomeOf(`${message}tail`, []);
    expect(whole).toMatchObject({ kind: "head", followed: 4 });
    for (const cuts of everyCut(message.length + 4)) {
      expect(outcomeOf(`${message}tail`, cuts), `cut at ${cuts.join()}`).toEqual(whole);
    }
    for (let length = 0; length < message.length; length++) {
      expect(outcomeOf(message.slice(0, length), []), `${length} bytes`).toBeUndefined();
    }
  });

  it("gives the same result for any bytes, split anywhere", () => {
    const line = stringOf("aA: \t\r\n\u0000\u00e9/1");
    const message = fc
      .tuple(fc.constantFrom("GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\r\n", ""), line, line)
      .map(([start, ...lines]) => start + head(...lines));
    const withCuts = message.chain((text) => fc.tuple(fc.constant(text), anyCuts(text.length)));
    fc.assert(
      fc.property(withCuts, fc.integer({ min: 1, max: 60 }), ([text, cuts], maxHeaderBytes) => {
        const limits = { maxHeaderBytes, maxHeaderCount: 2 };
        expect(outcomeOf(text, cuts, limits)).toEqual(outcomeOf(text, [], limits));
      }),
    );
  });

  it("reads any fields that can be written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(token, fieldValue), { maxLength: 20 }), (fields) => {
        expect(fieldsOf(...fields.map(([name, value]) => `${name}:${value}`))).toEqual(
          fields.flat(),
        );
      }),
    );
  });
});

describe("parseRequestLine (RFC 9112 3)", () => {
  it.each([
    "GET / HTTP/1.1",
    "GET http://a/ HTTP/1.0",
    "OPTIONS * HTTP/2.0",
    "M-SEARCH x HTTP/9.9",
  ])("reads %s", (line) => {
    const [method, target, version] = line.split(" ");
    expect(parseRequestLine(line)).toEqual({
      method,
      target,
      versionMajor: Number(version.slice(5, 6)),
      versionMinor: Number(version.slice(7)),
    });
  });

  it.each([
    "",
    "GET",
    "GET /",
    "GET / ",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET\t/\tHTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET /\u00e9 HTTP/1.1",
    "G(T / HTTP/1.1",
    "GET / http/1.1",
    "GET / HTTP/1",
    "GET / HTTP/1.10",
    "GET / HTTP/11",
    "GET / HTTP/1.",
    "GET / HTTP/a.b",
    "GET / ICY/1.1",
    "HTTP/1.1 101 Switching Protocols",
  ])("refuses %j", (line) => {
    expect(parseRequestLine(line)).toBeUndefined();
  });
});

describe("parseStatusLine (RFC 9112 4)", () => {
  it.each<[string, number, string]>([
    ["HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"],
    ["HTTP/1.1 404 ", 404, ""],
    ["HTTP/1.1 404", 404, ""],
    ["HTTP/1.1 200 \u00e9t\u00e9\t!", 200, "\u00e9t\u00e9\t!"],
  ])("reads %j", (line, status, reason) => {
    expect(parseStatusLine(line)).toEqual({ versionMajor: 1, versionMinor: 1, status, reason });
  });

  it.each([
    "",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 1",
    "HTTP/1.1 10",
    "HTTP/1.1 1010",
    "HTTP/1.1 1e2",
    "HTTP/1.1 +10",
    "HTTP/1.1  101 Switching Protocols",
    "HTTP/1.1\t101 Switching Protocols",
    "HTTP/1.1101 Switching Protocols",
    " HTTP/1.1 101 Switching Protocols",
    "http/1.1 101 Switching Protocols",
    "HTTP/11 101 Switching Protocols",
    "HTTPS/1.1 101 Switching Protocols",
    "SSH-2.0-OpenSSH_9.6",
    "GET / HTTP/1.1",
  ])("refuses %j", (line) => {
    expect(parseStatusLine(line)).toBeUndefined();
  });
});
