import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { SECTIONS } from "../../docs/.vitepress/sidebar.ts";
import { DOCS_PAGES, root } from "./pages.ts";

it("the sidebar of the site has every page of docs/", () => {
  const files = SECTIONS.flatMap(({ items }) => items.map(({ file }) => `docs/${file}`));
  const written = files.filter((file) => existsSync(new URL(file, root)));
  expect(written.toSorted()).toEqual(DOCS_PAGES);
});
