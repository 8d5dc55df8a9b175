import { mask, type Passage } from "./passage.ts";

/** Strings and comments, the only tokens of CSS that can contain the marks of the other. */
const TOKENS = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\/\*[\s\S]*?\*\//g;

/** The comments of a style sheet, as Markdown. */
export function parseCss(source: string): Passage[] {
  return [...source.matchAll(TOKENS)]
    .filter(([token]) => token.startsWith("/*"))
    .map(({ index, 0: comment }) => ({
      start: index,
      text: comment.replaceAll(/^\/\*+|^[ 	]*\*+(?!\/)|\*+\/$/gm, (found) => mask(found)),
    }));
}
