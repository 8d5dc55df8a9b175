import { describe, expect, it } from "vitest";
import {
  HeaderFields,
  isFieldValue,
  isToken,
  listElements,
  parseTokenList,
  trimWhitespace,
} from "../../../src/protocol/handshake/header-fields.ts";
import { TOKEN_CHARS } from "./support.ts";

describe("isToken (RFC 9110 5.6.2)", () => {
  it("accepts the 77 token characters and no other character of Latin-1", () => {
    for (let code = 0; code < 256; code++) {
      const char = String.fromCharCode(code);
      expect(isToken(char), `U+${code.toString(16)}`).toBe(TOKEN_CHARS.includes(char));
    }
  });

  it("refuses the empty string and a token with a line end", () => {
    expect(isToken("")).toBe(false);
    expect(isToken("chat\n")).toBe(false);
    expect(isToken("chat\r\n")).toBe(false);
    expect(isToken("a\nb")).toBe(false);
  });

  it("refuses non-ASCII letters, including letters with an ASCII lower case", () => {
    expect(isToken("\u212a")).toBe(false);
    expect(isToken("\u017f")).toBe(false);
  });
});

describe("isFieldValue (RFC 9110 5.5)", () => {
  it("accepts tabs, visible ASCII, spaces and obs-text, and no control character", () => {
    for (let code = 0; code < 256; code++) {
      const isAllowed = code === 9 || (code >= 0x20 && code !== 0x7f);
      expect(isFieldValue(`a${String.fromCharCode(code)}b`), `U+${code.toString(16)}`).toBe(
        isAllowed,
      );
    }
  });

  it("refuses characters beyond Latin-1", () => {
    expect(isFieldValue("\u0100")).toBe(false);
    expect(isFieldValue("\u560a")).toBe(false);
    expect(isFieldValue("\u{1f600}")).toBe(false);
  });
});

describe("HeaderFields", () => {
  it("finds fields in any case, in the order of arrival (RFC 9110 5.1)", () => {
    const fields = new HeaderFields(["X-A", "1", "Other", "o", "x-a", "2", "X-a", ""]);
    expect(fields.all("x-a")).toEqual(["1", "2", ""]);
    expect(fields.single("x-a")).toBeUndefined();
    expect(fields.single("other")).toBe("o");
    expect(fields.all("missing")).toEqual([]);
    expect(fields.single("missing")).toBeUndefined();
  });

  it("iterates over the fields as they arrived", () => {
    const fields = new HeaderFields(["B", "1", "a", "2", "b", "3"]);
    expect([...fields]).toEqual([
      ["B", "1"],
      ["a", "2"],
      ["b", "3"],
    ]);
    expect(new Headers([...fields]).get("b")).toBe("1, 3");
  });

  it.each(["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"])(
    "treats a field named %s like others, and has only fields that arrived",
    (name) => {
      expect(new HeaderFields(["Host", "a"]).all(name.toLowerCase())).toEqual([]);
      const fields = new HeaderFields([name, "1", name, "2"]);
      expect(fields.all(name.toLowerCase())).toEqual(["1", "2"]);
    },
  );

  it("distinguishes an empty field from an absent one", () => {
    const fields = new HeaderFields(["Host", ""]);
    expect(fields.single("host")).toBe("");
  });
});

describe("parsing a list (RFC 9110 5.6.1)", () => {
  it("joins the lists of several fields and skips empty elements", () => {
    expect(listElements(["a, b", "", " ,\t, ", "c,"])).toEqual(["a", "b", "c"]);
  });

  it("keeps white space within an element, which is then not a token", () => {
    expect(listElements(["a b"])).toEqual(["a b"]);
    expect(parseTokenList(["a b"])).toBeUndefined();
  });

  it.each(["a;b", '"a"', "a/b", "a\u00a0", "\u00e9", "a, b@c"])(
    "fails for %s, which is not a list of tokens",
    (list) => {
      expect(parseTokenList([list])).toBeUndefined();
    },
  );

  it("returns no tokens without a field", () => {
    expect(parseTokenList([])).toEqual([]);
  });

  it("strips spaces and tabs but not obs-text such as U+00A0", () => {
    expect(trimWhitespace(" \t a b\t ")).toBe("a b");
    expect(trimWhitespace("\u00a0a\u00a0")).toBe("\u00a0a\u00a0");
    expect(trimWhitespace(" \t ")).toBe("");
  });

  it("reads a megabyte of spaces, commas and both", () => {
    const size = 1 << 20;
    expect(listElements([" ".repeat(size)])).toEqual([]);
    expect(listElements([",".repeat(size)])).toEqual([]);
    expect(listElements([" ,".repeat(size / 2)])).toEqual([]);
    expect(parseTokenList([`${"a ".repeat(size / 2)}a`])).toBeUndefined();
    expect(parseTokenList(["a".repeat(size)])).toHaveLength(1);
  });
});
