import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { GENERATED_SECTIONS, SECTIONS } from "../../docs/.vitepress/sidebar.ts";
import { DOCS_PAGES, readPage } from "./pages.ts";

it("the sidebar of the site has every page of docs/", () => {
  const files = SECTIONS.flatMap(({ items }) => items.map(({ file }) => `docs/${file}`));
  expect(files.toSorted()).toEqual(DOCS_PAGES);
});

it("the sidebar of the site has the page of every entry point", () => {
  const [{ items }] = GENERATED_SECTIONS;
  // An entry point for browsers has no page: its names are on the page of the entry point for Node.js.
  const reports = readdirSync("api").filter((report) => !report.includes(".browser."));
  const pages = reports.map((report) => `api/${report.replace(".api.md", ".md")}`);
  expect(items.map(({ file }) => file).toSorted()).toEqual(["api/index.md", ...pages].toSorted());
});

const PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...DOCS_PAGES];

it.each(PAGES)("no line of a table in %s has more than 160 columns", (page) => {
  const rows = readPage(page).match(/^\|.*$/gm) ?? [];
  expect(rows.filter((row) => row.length > 160)).toEqual([]);
});
