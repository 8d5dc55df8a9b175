import { BREAK, mask, maskCode, type Passage } from "./passage.ts";

/** A code block of a Markdown text, without its fences. */
export interface CodeBlock {
  readonly language: string;
  readonly start: number;
  readonly text: string;
}

export interface Markdown {
  /** The blocks of prose: paragraphs, headings, list items and table cells. */
  readonly prose: readonly Passage[];
  readonly code: readonly CodeBlock[];
}

const FENCE = /^(?<indent>\s*)(?<fence>`{3,}|~{3,})\s*(?<language>[\w-]*)/;
const TABLE_RULE = /^[\s|:-]+$/;
/** The marks at the start of a line that begin a new block. */
const BLOCK_MARK =
  /^\s*(?:>\s*)*(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|\[\^[^\]]+\]:|:::+\s*\w*|@\w+|\||--[\w-]+\s|(?:npm|npx|node)\s)/;
/** A line that ends the block before it without being a mark itself. */
const LINK_DEFINITION = /^\s*\[[^\]^][^\]]*\]:\s+\S/;

/**
 * Splits Markdown into blocks of prose and code. Understands the Markdown that the pages and docstrings here use.
 * That does not include indented code blocks.
 */
export function parseMarkdown(source: string, start = 0): Markdown {
  const prose: Passage[] = [];
  const code: CodeBlock[] = [];
  let block = { start, text: "" };
  let open: { fence: string; language: string; start: number; text: string } | undefined;

  const endBlock = (next: number): void => {
    for (const passage of splitAtBreaks({ start: block.start, text: maskInline(block.text) })) {
      prose.push(passage);
    }
    block = { start: next, text: "" };
  };

  let at = start;
  for (const line of source.split(/(?<=\n)/)) {
    const next = at + line.length;
    const fence = FENCE.exec(line)?.groups;
    if (open !== undefined) {
      if (fence?.["fence"].startsWith(open.fence) === true) {
        code.push({ language: open.language, start: open.start, text: open.text });
        open = undefined;
        block = { start: next, text: "" };
      } else {
        open.text += line;
      }
    } else if (fence !== undefined) {
      endBlock(next);
      open = { fence: fence["fence"], language: fence["language"], start: next, text: "" };
    } else if (line.trim() === "" || LINK_DEFINITION.test(line.trimEnd())) {
      endBlock(next);
    } else {
      const mark = BLOCK_MARK.exec(line);
      if (mark !== null) endBlock(at);
      block.text += maskLine(line, mark?.[0] ?? "");
      if (/^\s*#/.test(line)) endBlock(next);
    }
    at = next;
  }
  endBlock(at);
  return { prose, code };
}

function maskLine(line: string, blockMark: string): string {
  if (TABLE_RULE.test(line)) return mask(line);
  if (blockMark.trimStart().startsWith("|")) {
    return line.replaceAll(/(?<!\\)\|/g, BREAK);
  }
  const tag =
    /^\s*@(?:param|template|property|type|see)\s+(?:\{[^}]*\}\s*)?\[?[\w$.=]*\]?(?:\s+-)?/;
  const prefix = tag.exec(line)?.[0] ?? (blockMark || (/^\s*(?:>\s*)+/.exec(line)?.[0] ?? ""));
  return mask(prefix) + line.slice(prefix.length);
}

/** Code spans, addresses and names of links become `CODE`; emphasis, brackets and tags become spaces. */
function maskInline(text: string): string {
  return text
    .replaceAll(/(?<!`)(?<ticks>`+)(?!`)[\s\S]+?(?<!`)\k<ticks>(?!`)/g, maskCode)
    .replaceAll(/\{@\w+\s+[^}]*\}/g, maskCode)
    .replaceAll(/<!--|-->/g, (found) => mask(found, BREAK))
    .replaceAll(/<\/?[a-z][^<>]*>/gi, (tag) => mask(tag))
    .replaceAll(/(?<=\])\([^()\s]*(?:\s+"[^"]*")?\)|(?<=\])\[[^\]]*\]/g, (address) => mask(address))
    .replaceAll(/\[\^[^\]]+\]/g, (note) => mask(note))
    .replaceAll(/\b(?:https?|wss?):\/\/[^\s)>\]"']+/g, maskCode)
    .replaceAll(/!?\[|\]/g, (bracket) => mask(bracket))
    .replaceAll(/(?<![\p{L}\d])[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?![\p{L}\d])/gu, (mark) =>
      mask(mark),
    );
}

/** The parts of a passage between its breaks, without the parts that have no word. */
function splitAtBreaks(passage: Passage): Passage[] {
  const parts: Passage[] = [];
  let at = passage.start;
  for (const text of passage.text.split(BREAK)) {
    if (/\p{L}/u.test(text)) parts.push({ start: at, text });
    at += text.length + 1;
  }
  return parts;
}
