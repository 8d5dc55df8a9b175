/** The pages of the documentation. */
import { readdirSync, readFileSync } from "node:fs";

export const root = new URL("../../", import.meta.url);

/** The pages in docs/ that are written by hand, relative to the root of the repository. */
export const DOCS_PAGES: readonly string[] = readdirSync(new URL("docs", root), {
  recursive: true,
  encoding: "utf8",
})
  .map((name) => `docs/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".md") && !/^docs\/(api|project|\.vitepress)\//.test(name))
  .toSorted();

export function readPage(page: string): string {
  return readFileSync(new URL(page, root), "utf8");
}
