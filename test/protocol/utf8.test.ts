import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Utf8Validator } from "../../src/protocol/utf8.ts";
import { fromHex } from "./support.ts";

function validates(bytes: Uint8Array, ...cuts: number[]): boolean {
  const validator = new Utf8Validator();
  const edges = [0, ...cuts, bytes.length];
  for (let index = 1; index < edges.length; index++) {
    if (!validator.push(bytes, edges[index - 1], edges[index])) return false;
  }
  return validator.isComplete;
}

/** The index of the byte that a validator, fed byte by byte, refuses. */
function failsAt(bytes: Uint8Array): number {
  const validator = new Utf8Validator();
  for (let at = 0; at < bytes.length; at++) if (!validator.push(bytes, at, at + 1)) return at;
  return -1;
}

describe("Utf8Validator (RFC 3629)", () => {
  it("agrees with a strict decoder on every sequence of two and three bytes", () => {
    const bytes = new Uint8Array(3);
    const wrong: string[] = [];
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        bytes.set([first, second]);
        const two = bytes.subarray(0, 2);
        if (validates(two) !== isUtf8(two)) wrong.push(`${first} ${second}`);
        for (const third of [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff]) {
          bytes[2] = third;
          if (validates(bytes) !== isUtf8(bytes)) wrong.push(`${first} ${second} ${third}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("agrees with a strict decoder on any bytes, split anywhere", () => {
    const nearlyText = fc
      .tuple(fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 4 }), fc.string())
      .map(([head, middle, tail]) => Buffer.concat([Buffer.from(head), middle, Buffer.from(tail)]));
    fc.assert(
      fc.property(nearlyText, fc.nat(), (bytes, cut) => {
        expect(validates(bytes, cut % (bytes.length + 1))).toBe(isUtf8(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["an overlong form of two bytes", "c080", 0],
    ["an overlong form of three bytes", "e08080", 1],
    ["an overlong form of four bytes", "f0808080", 1],
    ["a surrogate", "eda080", 1],
    ["more than U+10FFFF", "f4908080", 1],
    ["a lone continuation byte", "4180", 1],
    ["an invalid lead byte", "41f5", 1],
    ["a sequence interrupted by ASCII", "e28241", 2],
    ["a fourth byte that is not a continuation", "f09f9841", 3],
  ])("fails at the first invalid byte of %s", (_, hex, at) => {
    expect(failsAt(fromHex(hex))).toBe(at);
  });

  it("does not accept a truncated sequence", () => {
    expect(validates(fromHex("e282"))).toBe(false);
    expect(failsAt(fromHex("e282"))).toBe(-1);
  });
});
