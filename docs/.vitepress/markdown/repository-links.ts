/**
 * Links are written for GitHub, where pages can link to any file of the repository. On the site,
 * links to files outside docs/ lead to the page made from the file, or to the repository.
 */
import { posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { PROJECT_PAGES } from "../project-pages.ts";

const API_REPORT = /^api\/([\w-]+)\.api\.md$/;

/**
 * Returns the target of a link on the site, or undefined if there is none.
 *
 * @param page The page that contains the link, relative to docs/.
 * @param repository The URL of the repository, if it is known.
 */
function siteLink(link: string, page: string, repository: string | undefined): string | undefined {
  if (/^([a-z][a-z\d+.-]*:|[/#])/i.test(link)) return link;
  const [path, anchor] = link.split("#");
  const fragment = anchor === undefined ? "" : `#${anchor}`;
  const file = posix.join(posix.dirname(sourceOf(page)), path).replace(/\/$/, "");
  const report = API_REPORT.exec(file)?.[1];
  if (report !== undefined) return `/api/${report}${fragment}`;
  if (file === "README.md") return "/";
  if (file in PROJECT_PAGES) return `/${PROJECT_PAGES[file]}${fragment}`;
  if (file.startsWith("docs/")) return `/${file.slice("docs/".length)}${fragment}`;
  return repository === undefined ? undefined : `${repository}/blob/HEAD/${file}${fragment}`;
}

/** The file that a page is made from, relative to the root of the repository. */
function sourceOf(page: string): string {
  const copied = Object.entries(PROJECT_PAGES).find(([, copy]) => copy === page);
  return copied?.[0] ?? `docs/${page}`;
}

/** A plugin of markdown-it. A link without a target on the site becomes plain text. */
export function repositoryLinks(markdown: MarkdownRenderer, repository: string | undefined): void {
  markdown.core.ruler.push("repository_links", ({ env, tokens }) => {
    const page = (env as { relativePath: string }).relativePath;
    for (const { children } of tokens) {
      let tag = "a";
      for (const token of children ?? []) {
        if (token.type === "link_open") {
          const href = token.attrGet("href") ?? "";
          const target = siteLink(href, page, repository);
          tag = target === undefined ? "span" : "a";
          if (target === undefined) {
            const names = [href.replace(/^(\.\.?\/)+/, ""), token.attrGet("title")];
            token.attrs = [["title", names.filter((name) => name !== null).join(": ")]];
          }
          if (target !== undefined) token.attrSet("href", target);
        }
        if (token.type === "link_open" || token.type === "link_close") token.tag = tag;
      }
    }
  });
}
