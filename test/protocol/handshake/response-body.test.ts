import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeaderFields, ResponseBody } from "../../../src/protocol/handshake/index.ts";

const CHUNKED = ["Transfer-Encoding", "chunked"];

/** The body of a response that arrives in `pieces`, and whether it is complete. */
function read(fields: string[], pieces: readonly string[], status = 403): [string, boolean] {
  const body = new ResponseBody(status, new HeaderFields(fields), 16);
  for (const piece of pieces) body.receive(Buffer.from(piece, "latin1"));
  return [Buffer.from(body.bytes).toString("latin1"), body.isComplete];
}

describe("the body of a response (RFC 9112 6)", () => {
  it.each([
    ["ends after its content-length", ["Content-Length", "5"], "no wayHTTP/1.1", "no wa", true],
    ["waits for its content-length", ["Content-Length", "5"], "no", "no", false],
    ["is empty with a content-length of 0", ["Content-Length", "0"], "x", "", true],
    ["lasts until the end of the connection without framing", [], "no", "no", false],
    [
      "lasts until the end of the connection with two lengths",
      ["Content-Length", "1", "Content-Length", "2"],
      "no",
      "no",
      false,
    ],
    [
      "lasts until the end of the connection with a length that is not a number",
      ["Content-Length", "-1"],
      "no",
      "no",
      false,
    ],
    ["consists of chunks", CHUNKED, "3\r\nno \r\n4;a=b\r\nway!\r\n0\r\n\r\n", "no way!", true],
    [
      "prefers chunks to a length",
      [...CHUNKED, "Content-Length", "1"],
      "2\r\nno\r\n0\r\n\r\n",
      "no",
      true,
    ],
    ["waits for the last chunk", CHUNKED, "3\r\nno \r\n", "no ", false],
    ["ends at a chunk size that is not a number", CHUNKED, "2\r\nno\r\nway\r\n", "no", true],
    ["ends at a chunk size of nine digits", CHUNKED, "000000002\r\nno\r\n", "", true],
    ["ends at a chunk-size line that is too long", CHUNKED, `1;${"x".repeat(300)}`, "", true],
    ["is truncated at the limit", [], "0123456789abcdefghi", "0123456789abcdef", true],
    [
      "is truncated at the limit within a chunk",
      CHUNKED,
      "ff\r\n0123456789abcdefghi",
      "0123456789abcdef",
      true,
    ],
  ])("%s, for any split of its bytes", (_, fields, text, expected, isComplete) => {
    expect(read(fields, [text])).toEqual([expected, isComplete]);
    expect(read(fields, text.split(""))).toEqual([expected, isComplete]);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), (a, b) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        expect(read(fields, pieces)).toEqual([expected, isComplete]);
      }),
    );
  });

  it.each([204, 304])("is empty with status %i", (status) => {
    expect(read([], ["x"], status)).toEqual(["", true]);
  });

  it("accepts any bytes without an exception and keeps no more than the limit", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.string({ unit: "binary" })), (isChunked, pieces) => {
        expect(read(isChunked ? CHUNKED : [], pieces)[0].length).toBeLessThanOrEqual(16);
      }),
    );
  });
});
