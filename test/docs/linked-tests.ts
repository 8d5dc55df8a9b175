/** For pages of the documentation whose tables link the test that shows what a row says. */
import { readFileSync } from "node:fs";
import { type ESTree, parseSync, Visitor } from "rolldown/utils";

/** A row of a table, without those of the head. */
export interface Row {
  /** The text of its cells, as it is written. */
  readonly cells: readonly string[];
  readonly links: readonly Link[];
}

export interface Link {
  /** For a test: what it is called. */
  readonly text: string;
  readonly path: string;
}

/** The rows of all tables of a page. */
export function readRows(page: URL): Row[] {
  const lines = readFileSync(page, "utf8").split("\n");
  return lines
    .filter((line, index) => line.startsWith("| ") && !isHead(line, lines[index + 1]))
    .map((line) => {
      const cells = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      return { cells, links: cells.flatMap(readLinks) };
    });
}

/** Whether the file that `path` leads to, from `page`, has a test called `text` that is run. */
export function hasTest(page: URL, { text, path }: Link): boolean {
  const { titles, source } = readTests(new URL(path, page));
  return titles.some((title) => {
    const filledIn = title.exec(text)?.slice(1);
    return filledIn?.every((value) => stands(value, source)) === true;
  });
}

/** Whether a table holds what has been filled in: the text, or what `%j` has made JSON of. */
function stands(filledIn: string, source: string): boolean {
  // `$name` puts text in quotes.
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

/** `[text](path)`, where the text may hold brackets in pairs; one without text names no test. */
const LINK = /\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g;

function readLinks(cell: string): Link[] {
  return Array.from(cell.matchAll(LINK), ([, text, path]) => ({
    text: text.replaceAll(/\\([\\|*_`<>[\]])/g, "$1"),
    path,
  }));
}

interface TestFile {
  /** What is filled into the title of a table's rows is a group each. */
  readonly titles: readonly RegExp[];
  /**
   * Its text and that of what it imports, where the rows of its tables may stand, as it would be
   * printed: numbers without separators, strings without escapes.
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

/** `it`, `it.each(...)` and the like, but not `it.skip` or `it.todo`. */
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
