import { type Comment, parseSync, visitorKeys } from "oxc-parser";
import { mask, maskCode, type Passage, replaceRanges } from "./passage.ts";

interface CodeProse {
  /** Comments, as Markdown: block comments, and line comments that follow each other. */
  readonly comments: readonly Passage[];
  /** The titles of tests. */
  readonly titles: readonly Passage[];
  /** Strings of at least three words: messages of errors, output, text of pages. */
  readonly strings: readonly Passage[];
}

/** Comments for tools, not for readers. */
const DIRECTIVE =
  /^[\s*!/]*(?:(?:oxlint|eslint|oxfmt|prettier|knip|v8|istanbul|c8|rolldown|vite|vitest)-|(?:v8|c8|istanbul) ignore|@ts-|@vitest-environment|@vite-ignore|#?__PURE__|[#@]__|<reference|#(?:end)?region|[#@] ?source)/;

/** The prose of TypeScript or JavaScript. The extension of `path` says which. */
export function parseCode(path: string, source: string): CodeProse {
  const { program, comments } = parseSync(path, source);
  const titles: Passage[] = [];
  const strings: Passage[] = [];
  for (const { node, parents } of walk(program as unknown as Node)) {
    if (!isText(node) || isPartOfLargerText(parents)) continue;
    const passage = { start: node.start, text: maskText(source, node) };
    if (isTestTitle(node, parents)) titles.push(passage);
    else if (!isNoMessage(parents) && isSentence(passage.text)) strings.push(passage);
  }
  return { comments: joinLineComments(source, comments), titles, strings };
}

/** Masks the marks of comments, and joins line comments that follow each other. */
function joinLineComments(source: string, comments: readonly Comment[]): Passage[] {
  const regions: Passage[] = [];
  let end = -1;
  for (const { type, value, start, end: commentEnd } of comments) {
    if (DIRECTIVE.test(value)) continue;
    if (type === "Block") {
      const lines = value.replaceAll(/^[ \t]*\*+/gm, (mark) => mask(mark));
      regions.push({ start, text: `  ${lines}  ` });
      continue;
    }
    const between = source.slice(end, start);
    const previous = regions.at(-1);
    if (end >= 0 && previous !== undefined && /^\r?\n[ \t]*$/.test(between)) {
      regions[regions.length - 1] = {
        start: previous.start,
        text: `${previous.text}${between}  ${value}`,
      };
    } else {
      regions.push({ start, text: `  ${value}` });
    }
    end = commentEnd;
  }
  return regions;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function* walk(
  node: Node,
  parents: readonly Node[] = [],
): Generator<{ node: Node; parents: readonly Node[] }> {
  yield { node, parents };
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key];
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === "object") {
        yield* walk(child as Node, [...parents, node]);
      }
    }
  }
}

function isText(node: Node): boolean {
  return (
    (node.type === "Literal" && typeof node["value"] === "string") ||
    node.type === "TemplateLiteral" ||
    isConcatenation(node)
  );
}

/** `a + b` with a text in it: a sentence that is broken over several lines. */
function isConcatenation(node: Node): boolean {
  return (
    node.type === "BinaryExpression" &&
    node["operator"] === "+" &&
    (isText(node["left"] as Node) || isText(node["right"] as Node))
  );
}

function isPartOfLargerText(parents: readonly Node[]): boolean {
  return isConcatenation(parents.at(-1) as Node);
}

/** The text of a literal, a template or a sum of them, with everything else masked. */
function maskText(source: string, node: Node): string {
  return replaceRanges(source.slice(node.start, node.end), maskedParts(source, node, node.start));
}

function maskedParts(source: string, node: Node, origin: number): { at: number; by: string }[] {
  const at = node.start - origin;
  if (node.type === "Literal" && typeof node["value"] === "string") {
    const escapes = [
      ...source.slice(node.start, node.end).matchAll(/\\(?:u\{?[\da-f]+\}?|x..|.)/gi),
    ];
    return [
      { at, by: " " },
      { at: node.end - origin - 1, by: " " },
      ...escapes.map(({ index, 0: escape }) => ({ at: at + index, by: mask(escape) })),
    ];
  }
  if (node.type === "TemplateLiteral") {
    const quasis = node["quasis"] as Node[];
    return [
      { at, by: " " },
      { at: node.end - origin - 1, by: " " },
      ...quasis.slice(1).map((quasi, index) => {
        const from = contentEnd(source, quasis[index]);
        return { at: from - origin, by: maskCode(source.slice(from, contentStart(source, quasi))) };
      }),
    ];
  }
  if (node.type === "BinaryExpression") {
    const left = node["left"] as Node;
    const right = node["right"] as Node;
    return [
      ...maskedParts(source, left, origin),
      { at: left.end - origin, by: mask(source.slice(left.end, right.start)) },
      ...maskedParts(source, right, origin),
    ];
  }
  return [{ at, by: maskCode(source.slice(node.start, node.end)) }];
}

// Parsers differ in whether a quasi includes its delimiters.
function contentStart(source: string, { start }: Node): number {
  return source[start] === "}" || source[start] === "`" ? start + 1 : start;
}

function contentEnd(source: string, { end }: Node): number {
  return source.startsWith("${", end) ? end : end - 2;
}

/** Whether a text is the first argument of a call that takes a function too: `it("…", () => {})`. */
function isTestTitle(node: Node, parents: readonly Node[]): boolean {
  const call = parents.at(-1);
  if (call?.type !== "CallExpression") return false;
  const args = call["arguments"] as Node[];
  if (args[0] !== node) return false;
  return (
    /^(?:it|test|describe|suite)$/.test(rootName(call["callee"] as Node)) ||
    args.slice(1).some(({ type }) => /Function/.test(type))
  );
}

/** `it` of `it.skipIf(true).each([1])`. */
function rootName(node: Node): string {
  const inner = node["object"] ?? node["callee"] ?? node["tag"];
  return inner === undefined ? String(node["name"]) : rootName(inner as Node);
}

/** Imports, types and keys, and templates with a tag such as `sql`. */
function isNoMessage(parents: readonly Node[]): boolean {
  return /^(?:Import|Export.*From|ExportAll|TS(?:Literal|External|Import)|TaggedTemplate)/.test(
    parents.at(-1)?.type ?? "",
  );
}

/** Whether a text has three words in a row that are written as in a sentence, and is not a program. */
function isSentence(text: string): boolean {
  return (
    /(?:^|[\s"'(\uE000])\p{L}[\p{Ll}'’-]*,?\s+\p{Ll}[\p{Ll}'’-]*,?\s+[\p{Ll}\uE000]/u.test(text) &&
    !/[{};]\s*\n|\blocal \w+ = |\breturn redis\b/.test(text)
  );
}
