import { describe, expect, it } from "vitest";
import { copyMasked, Masker } from "../../src/protocol/masking.ts";

const masker = new Masker(true);

/** The algorithm of RFC 6455 5.3. */
function maskNaively(bytes: Uint8Array, start: number, end: number, key: number, offset: number) {
  for (let at = start; at < end; at++) {
    const keyByte = (key >>> (24 - 8 * ((at - start + offset) % 4))) & 0xff;
    bytes[at] = bytes[at] ^ keyByte;
  }
}

const KEY = 0x37fa213d;
const KEY_WITH_HIGH_BIT = 0xf1e2d3c4 | 0;

function numbered(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 151 + 17) & 0xff);
}

describe("mask (RFC 6455 5.3)", () => {
  it("equals the naive loop at every length, alignment and offset in the payload", () => {
    for (const key of [KEY, KEY_WITH_HIGH_BIT, 0, -1]) {
      for (let alignment = 0; alignment < 8; alignment++) {
        for (let length = 0; length <= 140; length++) {
          const offset = (length + alignment) % 5;
          const fast = numbered(160).subarray(alignment);
          const naive = Uint8Array.from(fast);
          masker.mask(fast, 3, 3 + length, key, offset);
          maskNaively(naive, 3, 3 + length, key, offset);
          expect(Buffer.compare(fast, naive)).toBe(0);
        }
      }
    }
  });

  it.each([true, false])("equals the naive loop for long payloads, BigInts: %s", (usesBigInts) => {
    const long = new Masker(usesBigInts);
    for (let length = 500; length <= 580; length++) {
      for (let alignment = 0; alignment < 8; alignment++) {
        const fast = numbered(640).subarray(alignment);
        const naive = Uint8Array.from(fast);
        long.mask(fast, 5, 5 + length, KEY_WITH_HIGH_BIT, length % 5);
        maskNaively(naive, 5, 5 + length, KEY_WITH_HIGH_BIT, length % 5);
        expect(Buffer.compare(fast, naive)).toBe(0);
      }
    }
  });

  it("equals the naive loop while copying, and changes nothing else", () => {
    for (let alignment = 0; alignment < 4; alignment++) {
      for (const length of [...Array(70).keys(), 125, 510, 511, 512]) {
        const source = numbered(600);
        const target = new Uint8Array(600).fill(0xee);
        copyMasked(masker.viewsOf(source), 3 + alignment, masker.viewsOf(target), 8, length, KEY);
        const naive = numbered(600);
        maskNaively(naive, 3 + alignment, 3 + alignment + length, KEY, 0);
        const expected = new Uint8Array(600).fill(0xee);
        expected.set(naive.subarray(3 + alignment, 3 + alignment + length), 8);
        expect(Buffer.compare(target, expected)).toBe(0);
        expect(Buffer.compare(source, numbered(600))).toBe(0);
      }
    }
  });

  it("is its own inverse", () => {
    const bytes = numbered(1000);
    masker.mask(bytes, 0, 1000, KEY, 2);
    masker.mask(bytes, 0, 1000, KEY, 2);
    expect(bytes).toEqual(numbered(1000));
  });

  it("distinguishes a new buffer from the previous buffer", () => {
    for (let round = 0; round < 3; round++) {
      const bytes = numbered(256);
      masker.mask(bytes, 0, 256, KEY, 0);
      const naive = numbered(256);
      maskNaively(naive, 0, 256, KEY, 0);
      expect(bytes).toEqual(naive);
    }
  });

  it("returns whether all unmasked bytes are ASCII, at any position", () => {
    for (const length of [1, 2, 3, 4, 7, 47, 48, 49, 64, 67, 131]) {
      const ascii = new Uint8Array(length).fill(0x7f);
      maskNaively(ascii, 0, length, KEY, 1);
      expect(masker.maskAndTest(ascii, 0, length, KEY, 1)).toBe(true);
      for (let at = 0; at < length; at++) {
        const bytes = new Uint8Array(length).fill(0x7f);
        bytes[at] = 0x80;
        expect(masker.maskAndTest(bytes, 0, length, 0, 0)).toBe(false);
        maskNaively(bytes, 0, length, KEY, 1);
        expect(masker.maskAndTest(bytes, 0, length, KEY, 1)).toBe(false);
      }
    }
  });
});
