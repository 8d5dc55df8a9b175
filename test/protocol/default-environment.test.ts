import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  createProtocolEnvironment,
  defaultEnvironment as environment,
} from "../../src/protocol/default-environment.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });
const encoder = new TextEncoder();

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the default environment agrees with the built-in", () => {
  it("UTF-8 encoder, even for lone surrogates", () => {
    const units = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(anyText, units), (text) => {
        const expected = encoder.encode(text);
        const target = new Uint8Array(expected.length + 2).fill(0xee);
        expect(environment.utf8Length(text)).toBe(expected.length);
        expect(environment.encodeUtf8(text, target, 1)).toBe(expected.length);
        expect(target).toEqual(Uint8Array.of(0xee, ...expected, 0xee));
      }),
    );
  });

  it("UTF-8 decoder, which keeps a byte order mark", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const wellFormed = `\uFEFF${text.replace(/\p{Surrogate}/gu, "")}`;
        const bytes = Uint8Array.of(0xff, ...encoder.encode(wellFormed), 0xff);
        expect(environment.decodeUtf8(bytes, 1, bytes.length - 1)).toBe(wellFormed);
      }),
    );
  });

  it("decoders for texts that need several calls", () => {
    for (const text of ["é".repeat(10_000), "😀".repeat(5000), "a".repeat(10_000)]) {
      const bytes = encoder.encode(text);
      expect(environment.decodeUtf8(bytes, 0, bytes.length)).toBe(text);
    }
    expect(environment.decodeAscii(new Uint8Array(10_000).fill(0x61), 1, 9_999)).toBe(
      "a".repeat(9_998),
    );
  });

  it("tests for UTF-8 and ASCII", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        expect(environment.isUtf8(bytes, 0, bytes.length)).toBe(isUtf8(bytes));
        const isAscii = bytes.every((byte) => byte < 0x80);
        expect(environment.isAscii(bytes, 0, bytes.length)).toBe(isAscii);
      }),
    );
  });

  it("SHA-1", () => {
    const expected = createHash("sha1").update("any text").digest("base64");
    expect(environment.sha1Base64("any text")).toBe(expected);
  });
});

describe("createProtocolEnvironment", () => {
  it("fills more random bytes than one call of the global crypto allows", () => {
    const bytes = new Uint8Array(70_000);
    environment.fillRandom(bytes);
    expect(bytes.subarray(-1000).some((byte) => byte !== 0)).toBe(true);
  });

  it("throws NO_RANDOM_SOURCE without a global crypto, and uses a given fillRandom", () => {
    vi.stubGlobal("crypto", undefined);
    expect(() => environment.fillRandom(new Uint8Array(1))).toThrow(
      expect.objectContaining({ name: "UsageError", code: "NO_RANDOM_SOURCE" }),
    );
    const given = createProtocolEnvironment({ fillRandom: (bytes) => void bytes.fill(7) });
    const bytes = new Uint8Array(2);
    given.fillRandom(bytes);
    expect(bytes).toEqual(Uint8Array.of(7, 7));
  });
});
