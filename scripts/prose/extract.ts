import { extname } from "node:path";
import { parseCode } from "./code.ts";
import { parseCss } from "./css.ts";
import { parseHtml } from "./html.ts";
import { type CodeBlock, parseMarkdown } from "./markdown.ts";
import { mask, type Passage } from "./passage.ts";

/** The file extension that tells the parser the language of a code block. */
const SCRIPTS: Readonly<Record<string, string>> = {
  ts: "ts",
  mts: "ts",
  typescript: "ts",
  tsx: "tsx",
  js: "js",
  mjs: "js",
  javascript: "js",
  jsx: "jsx",
};

/** Languages with comments that begin with `#`. */
const WITH_HASH_COMMENTS = new Set([
  "sh",
  "bash",
  "yaml",
  "yml",
  "nginx",
  "haproxy",
  "ini",
  "toml",
]);

/** Folders with prose in strings: messages of errors, output, text of pages. */
const WITH_MESSAGES = /^(?:src|examples|bench|scripts)\/(?!.*\.test\.ts$)/;

/** The prose of a file, in order. Undefined for a file that is not of a kind with prose. */
export function extractProse(path: string, source: string): Passage[] | undefined {
  const language = extname(path).slice(1);
  const passages =
    language === "md"
      ? fromPage(source)
      : fromLanguage({ language, start: 0, text: source }, WITH_MESSAGES.test(path));
  return passages?.toSorted((left, right) => left.start - right.start);
}

/** The values of the front matter, then the page. */
function fromPage(source: string): Passage[] {
  const frontMatter = /^---\n[\s\S]*?\n---\n/.exec(source)?.[0] ?? "";
  const values = [...frontMatter.matchAll(/^[\s-]*[\w-]+:[ \t]+(?<value>\S.*)$/gm)]
    .map(({ index, 0: line, groups }) => {
      const value = groups?.["value"] ?? "";
      return { start: index + line.length - value.length, text: value };
    })
    .filter(({ text }) => /\p{L} \p{L}+ \p{L}/u.test(text));
  const { length } = frontMatter;
  return [...values, ...fromMarkdown({ start: length, text: source.slice(length) })];
}

function fromMarkdown({ start, text }: Passage): Passage[] {
  const { prose, code } = parseMarkdown(text, start);
  return [...prose, ...code.flatMap((block) => fromLanguage(block, false) ?? [])];
}

function fromLanguage(block: CodeBlock, withStrings: boolean): Passage[] | undefined {
  const { language, start, text } = block;
  const script = SCRIPTS[language];
  if (script !== undefined) {
    const { comments, titles, strings } = parseCode(`block.${script}`, text);
    const markdown = [...comments, ...titles, ...(withStrings ? strings : [])];
    return markdown.flatMap((passage) => fromMarkdown(shift(passage, start)));
  }
  if (language === "css") return parseCss(text).flatMap((css) => fromMarkdown(shift(css, start)));
  if (language === "html" || language === "vue") {
    const { prose, code } = parseHtml(text);
    const parts = code.flatMap(
      (part) => fromLanguage({ ...part, ...shift(part, start) }, withStrings) ?? [],
    );
    return [...prose.map((passage) => shift(passage, start)), ...parts];
  }
  if (WITH_HASH_COMMENTS.has(language)) return fromMarkdown({ start, text: hashComments(text) });
  return undefined;
}

function shift({ start, text }: Passage, by: number): Passage {
  return { start: start + by, text };
}

/** Keeps the comments, from `#` to the end of a line, and masks everything else. */
function hashComments(text: string): string {
  return text.replaceAll(/^.+$/gm, (line) => {
    const hash = /(?:^|\s)#(?![!\w])/.exec(line);
    const from = hash === null ? line.length : hash.index + hash[0].length;
    return mask(line.slice(0, from)) + line.slice(from);
  });
}
