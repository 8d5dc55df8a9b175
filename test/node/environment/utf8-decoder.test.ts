import { assert, constantFrom, property, stringMatching, string, oneof } from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8 } from "../../../src/node/environment/utf8-decoder.ts";

/** The text after having been bytes, with others before and behind. */
function decoded(text: string): string {
  const bytes = Buffer.from(`##${text}##`);
  return decodeUtf8(bytes, 2, bytes.length - 2);
}

describe("decodeUtf8", () => {
  it.each([
    ["at the edges of every length", "\u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff"],
    ["beyond the basic plane", "\u{10000}\u{1f600}\u{10ffff}"],
    ["of Latin-1", "Grüße aus Köln, naïve café ÿ"],
    ["of one character beyond Latin-1", "Grüße aus Köln, zu 10 €"],
    ["with a byte order mark, which is kept", "\ufeffabc\ufeff"],
  ])("decodes characters %s, in short texts and long ones", (_, text) => {
    for (const times of [1, 5, 100, 1500]) {
      expect(decoded(text.repeat(times))).toBe(text.repeat(times));
    }
  });

  it("decodes texts of every length around its bounds", () => {
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
        // Lone surrogates become U+FFFD on the way.
        const text = Buffer.from(first + second)
          .toString()
          .repeat(4);
        expect(decoded(text)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});
