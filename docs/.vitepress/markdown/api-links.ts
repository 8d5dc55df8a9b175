import { existsSync, readFileSync } from "node:fs";
import type { MarkdownOptions } from "vitepress";

type CodeTransformer = NonNullable<MarkdownOptions["codeTransformers"]>[number];

/** Links the names in declarations of the API reference. Their fences say `api:PAGE#ANCHOR`. */
export function apiLinks(docs: URL): CodeTransformer {
  const file = new URL("api/references.json", docs);
  const references = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string>>)
    : {};
  return {
    name: "api-links",
    span(node) {
      const place = /\bapi:(\S+)/.exec(this.options.meta?.__raw ?? "")?.[1];
      const [child] = node.children;
      if (place === undefined || child?.type !== "text") return;
      const [, space, name] = /^(\s*)(.*)$/s.exec(child.value)!;
      const href = references[place]?.[name];
      if (href === undefined) return;
      node.children = [
        { type: "text", value: space },
        {
          type: "element",
          tagName: "a",
          properties: { href },
          children: [{ type: "text", value: name }],
        },
      ];
    },
  };
}
