import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readPage, root } from "./pages.ts";

/** The texts of this package in the headings under Troubleshooting. The other headings quote other programs. */
const QUOTED_TEXTS = [
  "the port is already in use",
  "files: cannot serve the directory",
  "This path accepts only WebSocket handshakes",
];

const sources = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(new URL(`src/${name.replaceAll("\\", "/")}`, root), "utf8"))
  .join("\n");

it.each(QUOTED_TEXTS)("docs/getting-started.md explains %j, a text of the sources", (text) => {
  expect(sources).toContain(text);
  const [, troubleshooting] = readPage("docs/getting-started.md").split("\n## Troubleshooting\n");
  const headings = Array.from(troubleshooting.matchAll(/^### (.*)$/gm), ([, heading]) => heading);
  expect(headings.filter((heading) => heading.includes(text))).toHaveLength(1);
});
