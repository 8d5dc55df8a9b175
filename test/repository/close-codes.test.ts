/** The close codes have their names from `CloseCode`, so that a search for a name finds each use. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const src = join(import.meta.dirname, "../../src");

/**
 * Matches files that may have numbers: the names themselves, the ranges of codes, and the scripts of the
 * conformance kit, which are data. A bundle for browsers has no room for the names.
 */
const EXCEPTIONS =
  /^(errors|protocol)\/close-code\.ts$|^testing\/channels\/|^browser\/|^(channels\/)?client\//;

/** Matches comments and texts. */
const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/.*|`[^`]*`|"[^"\n]*"/g;

/** Matches close codes, except for 1000, which is often a number of milliseconds. */
const CLOSE_CODE = /(?<![\w.])(?:100[1-9]|101[0-5]|300[038])(?!\w)/g;

it("the sources name close codes", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" });
  const found = files
    .filter((file) => file.endsWith(".ts") && !EXCEPTIONS.test(file))
    .flatMap((file) => {
      const code = readFileSync(join(src, file), "utf8").replaceAll(NO_CODE, "");
      return [...code.matchAll(CLOSE_CODE)].map(([number]) => `${file}: ${number}`);
    });
  expect(found).toEqual([]);
});
