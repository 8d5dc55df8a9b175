import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  HttpHeadReader,
  parseRequestLine,
  parseStatusLine,
} from "../../../src/protocol/handshake/http-head.ts";
import { byteByByte, cutAt, cuts, damaged, fromHex, toHex } from "../bytes.ts";
import { type HeadRules, type ModelHead, readHead } from "../model/http-head.ts";
import type { FuzzTarget } from "../target.ts";

interface HeadInput {
  readonly kind: "request" | "response";
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  /** The bytes on the wire in hex. */
  readonly bytes: string;
  readonly cuts: readonly number[];
}

/** The reader agrees with the model about a head, in one piece and split anywhere. */
export const httpHead: FuzzTarget<HeadInput> = {
  name: "http-head",

  arbitrary(corpus) {
    const known = corpus.map(({ bytes }) => fromHex(bytes));
    return fc.record({
      kind: fc.constantFrom("request", "response"),
      maxHeaderBytes: fc.constantFrom(16_384, 120, 40),
      maxHeaderCount: fc.constantFrom(100, 2),
      bytes: fc
        .oneof(
          damaged(head),
          fc.oneof(head, fc.constantFrom(new Uint8Array(0), ...known)),
          damaged(head),
        )
        .map(toHex),
      cuts,
    });
  },

  check(input) {
    const bytes = fromHex(input.bytes);
    const rules: HeadRules = { ...input, startLine: START_LINES[input.kind] };
    const expected = readHead(Buffer.from(bytes).toString("latin1"), rules);
    assert.deepEqual(read([bytes], input), expected);
    assert.deepEqual(read(byteByByte(bytes), input), expected);
    assert.deepEqual(read(cutAt(bytes, input.cuts), input), expected);
  },
};

/** RFC 9112 3 and 4. */
const START_LINES = {
  request: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\u0021-\u007e]+ HTTP\/[0-9]\.[0-9]$/,
  response: /^HTTP\/[0-9]\.[0-9] [0-9]{3}( [\t\u0020-\u007e\u0080-\u00ff]*)?$/,
};

const startLine = fc.constantFrom(
  "GET / HTTP/1.1",
  "GET /a?b=%20 HTTP/1.0",
  "OPTIONS * HTTP/2.0",
  "HTTP/1.1 101 Switching Protocols",
  "HTTP/1.1 404 ",
  "HTTP/1.0 200",
  "GET  / HTTP/1.1",
  "",
);
const field = fc.oneof(
  fc.constantFrom(
    "Host: a",
    "Upgrade:websocket",
    "__proto__:\t1 ",
    "a : b",
    " folded",
    "no colon",
    ":",
  ),
  fc
    .tuple(
      fc.constantFrom("a", "Connection", "x-y"),
      fc.string({ unit: "binary-ascii", maxLength: 20 }),
    )
    .map(([name, value]) => `${name}: ${value}`),
);
const head = fc
  .tuple(
    startLine,
    fc.array(field, { maxLength: 4 }),
    fc.constantFrom("\r\n\r\n", "\r\n", "\r\n\r\nrest"),
  )
  .map(([first, fields, end]) =>
    Uint8Array.from(Buffer.from([first, ...fields].join("\r\n") + end, "latin1")),
  );

function pairs(rawHeaders: readonly string[]): Array<readonly [string, string]> {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1]] as const] : [],
  );
}

function read(chunks: readonly Uint8Array[], input: HeadInput): ModelHead | undefined {
  // The start line is not parsed: its parsers have tests.
  const parse = input.kind === "request" ? parseRequestLine : parseStatusLine;
  const reader = new HttpHeadReader<string>({
    ...input,
    parseStartLine: (line) => (parse(line) === undefined ? undefined : line),
  });
  let consumed = 0;
  for (const chunk of chunks) {
    const outcome = reader.receive(chunk);
    if (outcome?.kind === "head") {
      const { rawHeaders, end } = outcome;
      return { startLine: outcome.startLine, fields: pairs(rawHeaders), end: consumed + end };
    }
    if (outcome !== undefined) {
      const { fault } = outcome;
      return { fault: fault === "start-line-too-long" ? "too-many-bytes" : fault };
    }
    consumed += chunk.length;
  }
  return undefined;
}
