import { describe, expect, it } from "vitest";
import { format, parse } from "../../../src/ws/extensions/extension.ts";

/** The error of `parse` for each invalid value. */
function errorOf(header: string): string {
  try {
    parse(header);
    return "none";
  } catch (error) {
    return String(error);
  }
}

describe("parse", () => {
  it("reads the offers of each extension in order", () => {
    expect(parse("a; x; y=1; x=2, b, a; z")).toEqual({
      a: [{ x: [true, "2"], y: ["1"] }, { z: [true] }],
      b: [{}],
    });
  });

  it("reads a quoted value, in which a backslash escapes any character of a token", () => {
    expect(parse(String.raw`a; x="1\0"`)).toEqual({ a: [{ x: ["10"] }] });
  });

  it("ignores spaces and tabs around separators", () => {
    expect(parse("a \t;\tx , b")).toEqual({ a: [{ x: [true] }], b: [{}] });
  });

  it("returns objects without a prototype, because names of its properties are valid tokens", () => {
    const offers = parse("constructor; __proto__=1");
    expect(Object.getPrototypeOf(offers)).toBeNull();
    expect(Object.entries(offers["constructor"][0])).toEqual([["__proto__", ["1"]]]);
  });

  it.each([
    ["a b", 2],
    [" a", 0],
    ["a,,b", 2],
    ["a; x y", 5],
    ["a; x = 1", 5],
    ["a; =1", 3],
    ["a@", 1],
    ['a; x=""', 6],
    ['a; x="1 2"', 7],
    [String.raw`a; x="\\"`, 7],
    ['a; x="1"2', 8],
  ])("reports the index of the first wrong character of %j", (header, index) => {
    expect(errorOf(header)).toBe(`SyntaxError: Unexpected character at index ${index}`);
  });

  it.each(["", "a,", "a ", "a;", "a; x=", 'a; x="1', 'a; x="1\\', "a; x "])(
    "reports that %j ends too early",
    (header) => {
      expect(errorOf(header)).toBe("SyntaxError: Unexpected end of input");
    },
  );
});

describe("format", () => {
  it("writes extensions, offers and values as a header", () => {
    expect(format({ a: [{ x: [true, 2] }, {}], b: { y: "1" } })).toBe("a; x; x=2, a, b; y=1");
  });

  it("writes what parse reads", () => {
    const header = "a; x; y=1, a, b; z=2";
    expect(format(parse(header))).toBe(header);
  });
});
