/**
 * Reads pages of the documentation with tables that refer to tests by number, such as `[12]`. At the end of
 * the page, a link definition gives the test's file and name: `[12]: ../test/a.test.ts "closes with 1002"`.
 */
import { readFileSync } from "node:fs";
import { type ESTree, parseSync, Visitor } from "rolldown/utils";

/** A row of a table other than its head. */
export interface Row {
  /** The text of its cells in Markdown. */
  readonly cells: readonly string[];
  /** The labels of its references, such as `12`. */
  readonly labels: readonly string[];
}

export interface Link {
  /** The name of the test. */
  readonly text: string;
  readonly path: string;
}

/** The rows of all tables of a page. */
export function readRows(page: URL): Row[] {
  return rowsOf(readFileSync(page, "utf8"));
}

/** The rows of all tables of a text. */
export function rowsOf(text: string): Row[] {
  const lines = text.split("\n");
  return lines
    .filter((line, index) => line.startsWith("| ") && !isHead(line, lines[index + 1]))
    .map((line) => {
      const cells = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      const labels = Array.from(line.matchAll(/\[(\d+)\](?!\()/g), ([, label]) => label);
      return { cells, labels };
    });
}

/** The link definitions of a page by label. */
export function readDefinitions(page: URL): Map<string, Link> {
  const text = readFileSync(page, "utf8");
  const definitions = text.matchAll(/^\[(\d+)\]: (\S+) (["'])(.*)\3$/gm);
  return new Map(
    Array.from(definitions, ([, label, path, , title]) => [
      label,
      { path, text: title.replaceAll(/\\([!-/:-@[-`{-~])/g, "$1") },
    ]),
  );
}

/** Whether the file at `path`, relative to `page`, has a test named `text` that is not skipped. */
export function hasTest(page: URL, { text, path }: Link): boolean {
  const { titles, source } = readTests(new URL(path, page));
  return titles.some((title) => {
    const filledIn = title.exec(text)?.slice(1);
    return filledIn?.every((value) => occursIn(value, source)) === true;
  });
}

/** Whether the rows of a table of tests contain a value, as text or as the value that `%j` printed as JSON. */
function occursIn(filledIn: string, source: string): boolean {
  // `$name` puts text into quotes.
  if (source.includes(filledIn.replace(/^'(.*)'$/s, "$1"))) return true;
  try {
    return [JSON.parse(filledIn) as unknown]
      .flat()
      .every((value) => source.includes(String(value)));
  } catch {
    return false;
  }
}

function isHead(line: string, next: string | undefined): boolean {
  return line.startsWith("| --") || next?.startsWith("| --") === true;
}

interface TestFile {
  /** One pattern for each title. A placeholder, such as `%s`, is a group. */
  readonly titles: readonly RegExp[];
  /**
   * The text of the file and of the files it imports, which may contain the rows of its tables.
   * Numbers are without separators, and strings without escapes, as they are printed.
   */
  readonly source: string;
}

const files = new Map<string, TestFile>();

function readTests(file: URL): TestFile {
  const known = files.get(file.href);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8");
  const texts = [text];
  const titles: RegExp[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [title] }) {
      if (isTest(callee)) titles.push(...patternsOf(title));
    },
    ImportDeclaration({ source: { value: path } }) {
      if (path.startsWith(".")) texts.push(readFileSync(new URL(path, file), "utf8"));
    },
  }).visit(parseSync(file.pathname, text).program);
  const source = texts
    .join("\n")
    .replaceAll(/(?<=\d)_(?=\d)/g, "")
    .replaceAll('\\"', '"');
  files.set(file.href, { titles, source });
  return { titles, source };
}

/** Whether it is `it`, `it.each(...)` or similar, except for `it.skip` and `it.todo`. */
function isTest(callee: ESTree.Expression): boolean {
  if (callee.type === "CallExpression") return isTest(callee.callee);
  if (callee.type === "Identifier") return callee.name === "it" || callee.name === "test";
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return false;
  return !["skip", "todo"].includes(callee.property.name) && isTest(callee.object);
}

function patternsOf(title: ESTree.Argument | undefined): RegExp[] {
  if (title?.type === "Literal" && typeof title.value === "string")
    return [patternOf([title.value])];
  if (title?.type !== "TemplateLiteral") return [];
  return [patternOf(title.quasis.map(({ value }) => value.cooked ?? ""))];
}

function patternOf(parts: readonly string[]): RegExp {
  const source = parts.flatMap((part) => part.split(/%[sdifjoO]|\$\w+/)).map(escape);
  return new RegExp(`^${source.join("(.+)")}$`, "s");
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
