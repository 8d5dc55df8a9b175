/**
 * Checks that the prose of this repository is plain English: pages, comments, docstrings, titles of tests, messages
 * of errors and text of HTML pages. `patterns.ts` has the patterns that it rejects.
 *
 * ```sh
 * npm run prose                    # all hits, as path:line:column
 * npm run prose -- docs README.md  # the hits in some files and folders
 * npm run prose -- --count         # the number of hits per folder and per pattern
 * ```
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { EXCEPTIONS, type Exception } from "./exceptions.ts";
import { type FileResult, findHits, type Hit } from "./find-hits.ts";

/** Generated files, texts that others wrote, and the patterns with their bad lines. */
const LEFT_OUT =
  /^(?:api\/|bench\/results\/|test\/fuzz\/corpus\/|docs\/\.vitepress\/(?:cache|dist)\/|CODE_OF_CONDUCT\.md$|scripts\/prose\/patterns\.ts$)/;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "boolean" } },
});

const results = new Map<string, FileResult>();
for (const path of listFiles(positionals)) {
  const result = findHits(path, readFileSync(path, "utf8"));
  if (result !== undefined) results.set(path, result);
}
const used = new Set<Exception>();
const hits = [...results.values()]
  .flatMap((result) => result.hits)
  .filter((hit) => !isAllowed(hit));
const words = [...results.values()].reduce((sum, result) => sum + result.words, 0);
const unused = EXCEPTIONS.filter(
  (exception) => results.has(exception.path) && !used.has(exception),
);

if (values.count === true) printCounts();
else printHits();
console.log(
  `${hits.length} hits in ${words} words of ${results.size} files: ${perTenThousand(hits.length, words)}`,
);
for (const { path, pattern, text } of unused) {
  console.log(`${path}: the exception "${pattern}" for "${text}" matches nothing; remove it`);
}
if (hits.length > 0 || unused.length > 0) process.exitCode = 1;

/** The files of the repository below `paths`, including new files. */
function listFiles(paths: readonly string[]): string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...paths];
  const listed = execFileSync("git", args, { encoding: "utf8", maxBuffer: 2 ** 26 }).split("\0");
  const deleted = new Set(
    execFileSync("git", ["ls-files", "-z", "--deleted"], { encoding: "utf8" }).split("\0"),
  );
  return [...new Set(listed)].filter(
    (path) => path !== "" && !LEFT_OUT.test(path) && !deleted.has(path),
  );
}

function isAllowed({ path, pattern, sentence }: Hit): boolean {
  const exception = EXCEPTIONS.find(
    (each) => each.path === path && each.pattern === pattern && sentence.includes(each.text),
  );
  if (exception !== undefined) used.add(exception);
  return exception !== undefined;
}

function printHits(): void {
  for (const { path, line, column, pattern, sentence, advice } of hits) {
    console.log(`${path}:${line}:${column}: ${pattern}\n    ${sentence}\n    -> ${advice}\n`);
  }
}

function printCounts(): void {
  const folders = new Map<string, { hits: number; words: number }>();
  for (const [path, result] of results) {
    const folder = folderOf(path);
    const { hits: before, words: wordsBefore } = folders.get(folder) ?? { hits: 0, words: 0 };
    const own = hits.filter((hit) => hit.path === path).length;
    folders.set(folder, { hits: before + own, words: wordsBefore + result.words });
  }
  for (const [folder, count] of [...folders].toSorted(
    ([, left], [, right]) => right.hits - left.hits,
  )) {
    console.log(
      `${String(count.hits).padStart(5)}  ${folder}: ${perTenThousand(count.hits, count.words)}`,
    );
  }
  const patterns = new Map<string, number>();
  for (const { pattern } of hits) patterns.set(pattern, (patterns.get(pattern) ?? 0) + 1);
  console.log();
  for (const [pattern, count] of [...patterns].toSorted(([, left], [, right]) => right - left)) {
    console.log(`${String(count).padStart(5)}  ${pattern}`);
  }
  console.log();
}

/** The first two folders of a path, or the file itself if it is in none. */
function folderOf(path: string): string {
  const parts = path.split("/");
  return parts.length === 1 ? path : parts.slice(0, Math.min(2, parts.length - 1)).join("/");
}

function perTenThousand(count: number, of: number): string {
  return `${((count * 10_000) / Math.max(1, of)).toFixed(1)} in 10,000 words`;
}
