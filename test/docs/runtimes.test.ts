import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readResult } from "../runtimes/result.ts";
import { tablesOf, withTables } from "../runtimes/tables.ts";

/** Without the line breaks and spaces that the formatter chooses. */
const words = (text: string): string => text.replaceAll(/\s+/g, " ");

it("the page about runtimes has the recorded result of npm run test:runtimes", () => {
  const page = readFileSync("docs/runtimes.md", "utf8");
  expect(words(page)).toBe(words(withTables(page, tablesOf(readResult()))));
});
