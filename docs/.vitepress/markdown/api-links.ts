import { existsSync, readFileSync } from "node:fs";
import type { MarkdownOptions } from "vitepress";

type CodeTransformer = NonNullable<MarkdownOptions["codeTransformers"]>[number];

/** Links the names in declarations of the API reference. Their fences have the language `api:` and the page. */
export function apiLinks(docs: URL): CodeTransformer {
  const file = new URL("api/names.json", docs);
  const names = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string>>)
    : {};
  return {
    name: "api-links",
    span(node) {
      const page = /\bapi:([\w-]+)/.exec(this.options.meta?.__raw ?? "")?.[1];
      const [child] = node.children;
      if (page === undefined || child?.type !== "text") return;
      const url = names[page]?.[child.value.trim()];
      if (url === undefined) return;
      node.tagName = "a";
      node.properties["href"] = url;
    },
  };
}
