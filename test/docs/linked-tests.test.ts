import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasTest, readDefinitions, readRows } from "./linked-tests.ts";

describe.each(["conformance.md", "security.md", "coming-from/dart.md"])("docs/%s", (name) => {
  const page = new URL(`../../docs/${name}`, import.meta.url);
  const rows = readRows(page);
  const definitions = readDefinitions(page);

  it("has rows without empty cells", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ cells }) => cells.includes(""))).toEqual([]);
  });

  it("refers to at least one test in each row, and uses each definition", () => {
    expect(rows.filter(({ labels }) => labels.length === 0)).toEqual([]);
    const used = new Set(rows.flatMap(({ labels }) => labels));
    expect([...used].toSorted()).toEqual([...definitions.keys()].toSorted());
  });

  it("names tests that exist", () => {
    const links = [...definitions.values()];
    expect(links.filter((link) => !hasTest(page, link))).toEqual([]);
  });
});

const root = new URL("../../", import.meta.url);
const PAGES = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(new URL("docs", root), { recursive: true, encoding: "utf8" })
    // The site generates the pages in these folders.
    .filter((name) => name.endsWith(".md") && !/^(api|project)\//.test(name))
    .map((name) => `docs/${name}`),
];

it.each(PAGES)("the tables of %s have at most 160 columns", (page) => {
  const lines = readFileSync(new URL(page, root), "utf8").split("\n");
  expect(lines.filter((line) => line.startsWith("|") && line.length > 160)).toEqual([]);
});
