import { assert, constantFrom, property, stringMatching, string, oneof } from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8 } from "../../../src/node/environment/utf8-decoder.ts";

/** The text encoded to bytes between other bytes and decoded again. */
function decoded(text: string): string {
  const bytes = Buffer.from(`##${text}##`);
  return decodeUtf8(bytes, 2, bytes.length - 2);
}

describe("decodeUtf8", () => {
  it.each([
    ["at the edges of each encoded length", "\u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff"],
    ["beyond the Basic Multilingual Plane", "\u{10000}\u{1f600}\u{10ffff}"],
    ["of Latin-1", "Grüße aus Köln, naïve café ÿ"],
    ["with a single character beyond Latin-1", "Grüße aus Köln, zu 10 €"],
    ["with a byte order mark, which is kept", "\ufeffabc\ufeff"],
  ])("decodes characters %s in short and long texts", (_, text) => {
    for (const times of [1, 5, 100, 1500]) {
      expect(decoded(text.repeat(times))).toBe(text.repeat(times));
    }
  });

  it("decodes texts of every length around its thresholds", () => {
    for (const length of [0, 1, 31, 32, 33, 16_383, 16_384, 16_385]) {
      for (const character of ["a", "ü", "潮"]) {
        expect(decoded(character.repeat(length))).toBe(character.repeat(length));
      }
    }
  });

  it("decodes any text", () => {
    const unit = oneof(
      string({ unit: "binary" }),
      stringMatching(/^[à-ÿ ]*$/),
      constantFrom("潮流"),
    );
    assert(
      property(unit, unit, (first, second) => {
        // Encoding turns lone surrogates into U+FFFD.
        const text = Buffer.from(first + second)
          .toString()
          .repeat(4);
        expect(decoded(text)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});
