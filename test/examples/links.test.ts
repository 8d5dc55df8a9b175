import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitLinks } from "../../examples/chat/src/page/links.ts";

const hrefs = (message: string): Array<string | undefined> =>
  splitLinks(message)
    .map(({ href }) => href)
    .filter((href) => href !== undefined);

describe("splitLinks", () => {
  it.each([
    ["see https://example.com/a?b=1#c", "https://example.com/a?b=1#c"],
    ["HTTP://Example.com", "http://example.com/"],
    ["(https://example.com/a)", "https://example.com/a"],
    ["https://example.com/a_(b).", "https://example.com/a_(b)"],
    ["https://example.com/a, and so on", "https://example.com/a"],
    ["\u201chttps://example.com\u201d", "https://example.com/"],
    ["<https://example.com/x>", "https://example.com/x"],
  ])("finds one link in %j", (message, href) => {
    expect(hrefs(message)).toEqual([href]);
  });

  it("finds several links", () => {
    expect(hrefs("http://a.example http://b.example/")).toEqual([
      "http://a.example/",
      "http://b.example/",
    ]);
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "www.example.com",
    "https://",
    "http://[",
    "",
  ])("finds no link in %j", (message) => {
    expect(hrefs(message)).toEqual([]);
  });

  it("keeps every character, and links only to http and https", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom("https://", "http://a.example/", ")", "(", ".", " ", "javascript:"),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const message = pieces.join("");
        const parts = splitLinks(message);
        expect(parts.map(({ text }) => text).join("")).toBe(message);
        for (const { href } of parts) {
          if (href !== undefined) expect(new URL(href).protocol).toMatch(/^https?:$/);
        }
      }),
    );
  });
});
