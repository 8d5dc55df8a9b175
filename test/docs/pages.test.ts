import { describe, expect, it } from "vitest";
import { hasTest, readRows } from "./linked-tests.ts";

describe.each(["conformance.md", "security.md"])("docs/%s", (name) => {
  const page = new URL(`../../docs/${name}`, import.meta.url);
  const rows = readRows(page);

  it("has rows, and none of them is empty", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ cells }) => cells.includes(""))).toEqual([]);
  });

  it("links at least one test in each row, and each of them exists", () => {
    const unlinked = rows.filter(({ links }) => !links.some(({ path }) => isTest(path)));
    expect(unlinked.map(({ cells }) => cells)).toEqual([]);
    const links = rows.flatMap((row) => row.links).filter(({ path }) => isTest(path));
    expect(links.filter((link) => !hasTest(page, link))).toEqual([]);
  });
});

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
