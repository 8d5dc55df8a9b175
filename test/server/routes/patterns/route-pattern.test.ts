import * as fc from "fast-check";
import { URLPattern } from "urlpattern-polyfill/urlpattern";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../../src/server/routes/patterns/route-pattern.ts";

/** The params of `pathname`, as a plain object. */
function match(path: string, pathname: string): Record<string, string | undefined> | undefined {
  const params = compilePattern(path, path).match(pathname);
  return params === undefined ? undefined : { ...params };
}

/**
 * An optional param that could only be empty is "" here and absent in URLPattern, or vice versa.
 */
function withoutEmpty(
  params: Record<string, string | undefined> | undefined,
): Array<[string, string | undefined]> | undefined {
  return params && Object.entries(params).map(([name, value]) => [name, value || undefined]);
}

/** Undefined for a path that URLPattern refuses, which must be refused here too. */
function urlPatternOf(path: string): URLPattern | undefined {
  try {
    return new URLPattern({ pathname: path });
  } catch {
    expect(() => compilePattern(path, path)).toThrow(/invalid/);
    return undefined;
  }
}

describe("a route pattern", () => {
  it.each<[string, string, Record<string, string | undefined> | undefined]>([
    ["/", "/", {}],
    ["/", "/x", undefined],
    ["/a.b", "/a.b", {}],
    ["/a.b", "/axb", undefined],
    ["/a", "/a/", undefined],
    ["/a", "/A", undefined],
    ["/rooms/:room", "/rooms/1", { room: "1" }],
    ["/rooms/:room", "/rooms/", undefined],
    ["/rooms/:room", "/rooms/1/2", undefined],
    ["/:a/x/:b", "/1/x/2", { a: "1", b: "2" }],
    ["/files/*", "/files/a/b", { 0: "a/b" }],
    ["/files/*", "/files/", { 0: "" }],
    ["/files/*", "/files", undefined],
    ["/*/*", "/a/b/c", { 0: "a/b", 1: "c" }],
    ["/:name.:type", "/a.txt", { name: "a", type: "txt" }],
    ["/:id(\\d+)", "/12", { id: "12" }],
    ["/:id(\\d+)", "/x", undefined],
    ["/x/(\\d+)", "/x/5", { 0: "5" }],
    ["/:year(\\d{4})", "/2026", { year: "2026" }],
    ["/:year(\\d{4})", "/202", undefined],
    ["/:year(\\d{4})", "/20261", undefined],
    ["/:id(\\d{2,})", "/2026", { id: "2026" }],
    ["/:id(\\d{2,})", "/2", undefined],
    ["/:x(a\\)b)", "/a)b", { x: "a)b" }],
    ["/:x(a\\(b)", "/a(b", { x: "a(b" }],
    ["/x/:lang?", "/x", { lang: undefined }],
    ["/x{/:lang}?/y", "/x/y", { lang: undefined }],
    ["/x{/:lang}?/y", "/x/en/y", { lang: "en" }],
    ["/:path+", "/a/b", { path: "a/b" }],
    ["/a b", "/a%20b", {}],
    ["/é/:x", "/%C3%A9/1", { x: "1" }],
    ["/a/../b", "/b", {}],
    ["/:a", "//evil.example/x", undefined],
    ["/:a(x)", "//evil.example/x", undefined],
    ["/$&", "/$&", {}],
  ])("%s has the expected params, or no match, for %s", (path, pathname, params) => {
    expect(match(path, pathname)).toEqual(params);
  });

  it("decodes named params and leaves the match of a wildcard encoded", () => {
    expect(match("/:a/*", "/x%20%C3%A9%2Fy/z%2F%20")).toEqual({ a: "x é/y", 0: "z%2F%20" });
  });

  it("leaves a param encoded if it is not percent-encoded UTF-8", () => {
    expect(match("/:a", "/%ff%")).toEqual({ a: "%ff%" });
  });

  it("accepts any name for a param", () => {
    const params = compilePattern("/:__proto__/:constructor", "").match("/a/b");
    expect(Object.entries(params ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  it.each([
    "\\x41+",
    "\\u0042+",
    "\\u{43}+",
    "\\p{Lu}+",
    "\\P{Lu}+",
    "\\d\\D*",
    "[A-C]+",
    "[^A-C]+",
    "[a\\]]+",
    "[\\x41]+",
    "a\\.b|b{2}|c{1,2}|d{2,}",
    "a??b*?",
    "(?:ab|c)+",
    ".",
  ])("matches the expression %s like URLPattern", (expression) => {
    const path = `/:x(${expression})`;
    const pattern = urlPatternOf(path)!;
    const texts = "A AA B BB C a b ab aab a.b a]b ] bb bbb c cc ccc d dd ddd 1 1a 12 a1 x".split(
      " ",
    );
    for (const text of texts) {
      const groups = pattern.exec({ pathname: `/${text}` })?.pathname.groups;
      expect([text, match(path, `/${text}`)]).toEqual([text, groups && { x: groups["x"] }]);
    }
  });

  it("matches like URLPattern, whichever way a pattern was compiled", () => {
    const literal = fc.stringMatching(/^[a-z.$~-]{0,3}$/).filter((text) => !/^\.{1,2}$/.test(text));
    const segment = fc.oneof(literal, fc.constantFrom(":a", ":b", ":c", "*", ":d(\\d+)", ":e?"));
    const paths = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map((all) => `/${all.join("/")}`);
    const pathnames = fc
      .array(fc.oneof(literal, fc.stringMatching(/^\d{1,2}$/)), { minLength: 1, maxLength: 5 })
      .map((all) => new URL(`http://host/${all.join("/")}`).pathname);
    fc.assert(
      fc.property(paths, pathnames, (path, pathname) => {
        const pattern = urlPatternOf(path);
        if (pattern === undefined) return;
        expect(match(path, pathname)).toEqual(
          pattern.exec({ pathname: `/.${pathname}` })?.pathname.groups,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("matches like URLPattern for any mix of params, expressions, braces and modifiers", () => {
    const expression = fc.constantFrom("(\\d+)", "(a|b)", "(a+)", "([^.]*)", "(a{1,2}b?)", "(.*)");
    const modifier = fc.constantFrom("", "", "?", "*", "+");
    const literal = fc.constantFrom("a", "b", ".", "-", "/a", "ab");
    const param = fc
      .tuple(fc.constantFrom(":x", ":y", ""), fc.option(expression, { nil: "" }), modifier)
      .map(([name, value, repeat]) => (name + value === "" ? "*" : `${name}${value}${repeat}`));
    const group = fc
      .tuple(literal, fc.oneof(param, fc.constant("")), literal, modifier)
      .map(([before, value, after, repeat]) => `{${before}${value}${after}}${repeat}`);
    const paths = fc
      .array(fc.oneof(literal, fc.constant("/"), param, group), { minLength: 1, maxLength: 5 })
      .map((parts) => `/${parts.join("")}`);
    const pathnames = fc
      .array(fc.constantFrom("a", "b", "1", ".", "-", "/", "ab"), { maxLength: 10 })
      .map((parts) => `/${parts.join("")}`)
      // URLPattern normalises these paths before it matches.
      .filter((pathname) => !/\/\.{0,2}(\/|$)/.test(pathname));
    let matches = 0;
    fc.assert(
      fc.property(paths, pathnames, (path, pathname) => {
        const pattern = urlPatternOf(path);
        if (pattern === undefined) return;
        const groups = pattern.exec({ pathname })?.pathname.groups;
        if (groups !== undefined) matches++;
        expect(withoutEmpty(match(path, pathname))).toEqual(withoutEmpty(groups));
      }),
      { numRuns: 3000 },
    );
    expect(matches).toBeGreaterThan(20);
  });
});

it.each([
  "/:x((?=a)b)",
  "/:x((?!a)b)",
  "/:x((?<=a)b)",
  "/:x(a\\1)",
  "/:x(\\bx)",
  "/:x(^a$)",
  "/:x(a{2000})",
])(
  "the pattern %j is refused at start, because it is too large or cannot be matched in linear time",
  (path) => {
    expect(() => compilePattern(path, path)).toThrow(
      expect.objectContaining({
        code: "INVALID_ROUTE",
        message: expect.stringMatching(/linear time|too large/),
      }),
    );
  },
);

it.each(["/:", "/:a/:a", "/(", "/(?<name>x)", "/x?y=1"])(
  "the error for the invalid pattern %j names the route key",
  (path) => {
    expect(() => compilePattern(path, "ws:/the/key")).toThrow(
      expect.objectContaining({
        code: "INVALID_ROUTE",
        message: expect.stringContaining('"ws:/the/key"'),
      }),
    );
  },
);
