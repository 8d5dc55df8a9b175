import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors/index.ts";
import {
  type ExtensionOffer,
  parseExtensions,
  serializeExtensions,
} from "../../../src/protocol/handshake/index.ts";
import { catchError, stringOf, token } from "./support.ts";

const extension: fc.Arbitrary<ExtensionOffer> = fc.record({
  name: token,
  params: fc.array(fc.tuple(token, fc.oneof(fc.constant(true as const), token)), { maxLength: 4 }),
});

describe("parseExtensions (RFC 6455 9.1)", () => {
  it.each<[string, ExtensionOffer[]]>([
    ["foo", [{ name: "foo", params: [] }]],
    [
      "foo, bar; baz=2",
      [
        { name: "foo", params: [] },
        { name: "bar", params: [["baz", "2"]] },
      ],
    ],
    [
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
      [
        {
          name: "permessage-deflate",
          params: [
            ["client_max_window_bits", true],
            ["server_max_window_bits", "10"],
          ],
        },
        { name: "permessage-deflate", params: [] },
      ],
    ],
    ['a; b="c"', [{ name: "a", params: [["b", "c"]] }]],
    ['a; b="\\c\\d"', [{ name: "a", params: [["b", "cd"]] }]],
    [
      "a; b=1; b=2; b",
      [
        {
          name: "a",
          params: [
            ["b", "1"],
            ["b", "2"],
            ["b", true],
          ],
        },
      ],
    ],
  ])("reads %s", (value, expected) => {
    expect(parseExtensions([value])).toEqual(expected);
  });

  it("allows white space between all parts (the implied *LWS rule of RFC 2616)", () => {
    expect(parseExtensions([' \ta \t;\tb \t= \t"c"\t , d\t'])).toEqual([
      { name: "a", params: [["b", "c"]] },
      { name: "d", params: [] },
    ]);
  });

  it("reads several fields as one list", () => {
    expect(parseExtensions(["a, b", "", "c; d"])).toEqual(parseExtensions(["a, b, c; d"]));
  });

  it("skips empty list elements (RFC 9110 5.6.1.2)", () => {
    expect(parseExtensions([", a,, \t,b, "])).toEqual(parseExtensions(["a, b"]));
  });

  it("returns no extensions without a field", () => {
    expect(parseExtensions([])).toEqual([]);
  });

  it("accepts parameters named like properties of every object", () => {
    expect(parseExtensions(["__proto__; __proto__=constructor; toString"])).toEqual([
      {
        name: "__proto__",
        params: [
          ["__proto__", "constructor"],
          ["toString", true],
        ],
      },
    ]);
  });

  it.each([
    "",
    " \t",
    ",",
    " , ,",
    ";",
    "a;",
    "a; ",
    "a;;b",
    "a; b=",
    "a; b= ,c",
    "a; =b",
    "a=b",
    "a b",
    "a; b c",
    "a; b=c d",
    "a; b=c=d",
    '"a"',
    'a; "b"',
    'a; b="',
    'a; b="c',
    'a; b="c\\',
    'a; b="c\\"',
    'a; b=""',
    'a; b="c d"',
    'a; b="c,d"',
    'a; b="\\""',
    'a; b="c"d',
    'a; b="c""d"',
    "a; b=\u00e9",
    "\u00e9",
    "a\u0000",
    "a\r\nb",
  ])("refuses %j", (value) => {
    expect(parseExtensions([value])).toBeUndefined();
    expect(parseExtensions(["a", value])).toEqual(
      // An empty field is harmless if there is another field.
      /^[ \t,]*$/.test(value) ? [{ name: "a", params: [] }] : undefined,
    );
  });

  it("ends a quoted string at the end of a field", () => {
    expect(parseExtensions(['a; b="c', 'd"'])).toBeUndefined();
  });

  it.each<[string, string]>([
    ["backslashes in a quoted string", `a; b="${"\\".repeat(1 << 20)}"`],
    ["an unterminated quoted string", `a; b="${"c".repeat(1 << 20)}`],
    ["an odd number of backslashes at the end", `a; b="${"\\".repeat((1 << 20) + 1)}`],
    ["spaces after a name", `a${" ".repeat(1 << 20)}b`],
    ["spaces around an equals sign", `a; b${" ".repeat(1 << 20)}= ${" ".repeat(1 << 20)}`],
    ["semicolons", `a${";".repeat(1 << 20)}`],
    ["commas only", ",".repeat(1 << 20)],
    ["quotes", `a; b=${'"'.repeat(1 << 20)}`],
  ])("refuses a megabyte with %s", (_what, value) => {
    expect(parseExtensions([value])).toBeUndefined();
  });

  it("reads a megabyte of escaped characters, of spaces and of parameters", () => {
    const half = 1 << 19;
    expect(parseExtensions([`a; b="${"\\c".repeat(half)}"`])).toEqual([
      { name: "a", params: [["b", "c".repeat(half)]] },
    ]);
    expect(parseExtensions([`${" ".repeat(half)}a${" ".repeat(half)}`])).toHaveLength(1);
    expect(parseExtensions([`a${";b".repeat(half)}`])?.[0]?.params).toHaveLength(half);
    expect(parseExtensions(["a,".repeat(half)])).toHaveLength(half);
  });

  it("never throws, and can write what it reads", () => {
    const anything = stringOf('ab=;,"\\ \t\u00e9\r\n');
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 3 }), (values) => {
        const extensions = parseExtensions(values);
        if (extensions === undefined || extensions.length === 0) return;
        expect(parseExtensions([serializeExtensions(extensions)])).toEqual(extensions);
      }),
    );
  });
});

describe("serializeExtensions (RFC 6455 9.1)", () => {
  it("writes what parseExtensions reads back", () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1, maxLength: 5 }), (extensions) => {
        expect(parseExtensions([serializeExtensions(extensions)])).toEqual(extensions);
      }),
    );
  });

  it("writes an empty string without extensions", () => {
    expect(serializeExtensions([])).toBe("");
  });

  it("uses the separators of the examples in the RFC", () => {
    const foo = {
      name: "foo",
      params: [
        ["a", true],
        ["b", "1"],
      ],
    } as const;
    expect(serializeExtensions([foo, { name: "bar", params: [] }])).toBe("foo; a; b=1, bar");
  });

  it.each<[string, ExtensionOffer]>([
    ["an empty name", { name: "", params: [] }],
    ["a name with a line end", { name: "a\r\nb", params: [] }],
    ["a parameter that is not a token", { name: "a", params: [["b c", true]] }],
    ["an empty value", { name: "a", params: [["b", ""]] }],
    ["a value that is not a token", { name: "a", params: [["b", "c,d"]] }],
  ])("refuses %s with a UsageError", (_what, offer) => {
    const error = catchError(() => serializeExtensions([offer]));
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "INVALID_EXTENSION" });
  });
});
