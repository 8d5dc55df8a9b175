import { expect, it } from "vitest";
import { SECTIONS } from "../../docs/.vitepress/sidebar.ts";
import { DOCS_PAGES, readPage } from "./pages.ts";

it("the sidebar of the site has every page of docs/", () => {
  const files = SECTIONS.flatMap(({ items }) => items.map(({ file }) => `docs/${file}`));
  expect(files.toSorted()).toEqual(DOCS_PAGES);
});

const PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...DOCS_PAGES];

it.each(PAGES)("no line of a table in %s has more than 160 columns", (page) => {
  const rows = readPage(page).match(/^\|.*$/gm) ?? [];
  expect(rows.filter((row) => row.length > 160)).toEqual([]);
});
