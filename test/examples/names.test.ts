import { describe, expect, it } from "vitest";
import { cleanName, freeName, nameKey } from "../../examples/chat/src/names.ts";

describe("cleanName", () => {
  it.each([
    ["Ana", "Ana"],
    ["  Ana \t Maria\n", "Ana Maria"],
    ["Zoe\u0308", "Zo\u00eb"],
    ["\u202eanA\u2066", "anA"],
    ["A\ud800b", "Ab"],
    ["A\u0000\u0007b", "A b"],
    ["<b>Ana</b>", "<b>Ana</b>"],
    ["👩‍💻", "👩‍💻"],
  ])("turns %j into %j", (name, shown) => {
    expect(cleanName(name)).toBe(shown);
  });

  it.each(["", "   ", "\u200b\u200d", "\u00ad", "\u202e"])(
    "replaces the name %j, which is not visible, with Guest",
    (name) => {
      expect(cleanName(name)).toBe("Guest");
    },
  );

  it("shortens a name to 32 code points without splitting a character", () => {
    expect(cleanName("x".repeat(33))).toBe("x".repeat(32));
    expect(cleanName("😀".repeat(33))).toBe("😀".repeat(32));
    expect(cleanName("x".repeat(60_000))).toHaveLength(32);
  });
});

describe("nameKey", () => {
  it.each([
    ["Ana", "ana"],
    ["Ana", "A\u200dna"],
    ["Ana", "Ａｎａ"],
    ["Ana Maria", "anamaria"],
  ])("considers %j and %j equal", (one, other) => {
    expect(nameKey(one)).toBe(nameKey(other));
  });
});

describe("freeName", () => {
  const taken = (...names: string[]) => {
    const keys = new Set(names.map(nameKey));
    return (key: string): boolean => keys.has(key);
  };

  it("does not change a free name", () => {
    expect(freeName("Ana", taken("Bo"))).toBe("Ana");
  });

  it("appends the first number that makes the name free", () => {
    expect(freeName("Ana", taken("Ana"))).toBe("Ana1");
    expect(freeName("ana", taken("Ana", "ANA1", "Ana2"))).toBe("ana3");
  });

  it("stays within 32 characters with the number", () => {
    const name = "x".repeat(32);
    expect(freeName(name, taken(name))).toBe(`${"x".repeat(31)}1`);
  });
});
