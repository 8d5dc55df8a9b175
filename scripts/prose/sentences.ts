import { CODE, type Passage } from "./passage.ts";

export interface Sentence {
  /** In one line, with one space between words and one `CODE` for a code span. */
  readonly text: string;
  /** The offset in the file of each character of `text`. */
  readonly offsets: readonly number[];
  /** The number of words outside of code spans. */
  readonly words: number;
}

/** The end of a sentence, if a new one follows. */
const END = /[.!?]["'”’)]*(?=\s+["'“‘(]?[\p{Lu}\d\uE000])/gu;

/** A full stop after one of these does not end a sentence. */
const ABBREVIATION = /(?:\b(?:e\.g|i\.e|cf|vs|approx|No|St|al)|\s[A-Z])\.$/;

export function splitSentences({ start, text }: Passage): Sentence[] {
  const sentences: Sentence[] = [];
  let from = 0;
  for (const { index, 0: end } of text.matchAll(END)) {
    if (ABBREVIATION.test(text.slice(from, index + 1))) continue;
    const to = index + end.length;
    sentences.push(toSentence(text.slice(from, to), start + from));
    from = to;
  }
  sentences.push(toSentence(text.slice(from), start + from));
  return sentences.filter((sentence) => /\p{L}/u.test(sentence.text));
}

function toSentence(source: string, start: number): Sentence {
  const offsets: number[] = [];
  let text = "";
  for (const { index, 0: part } of source.matchAll(/\s+|\uE000+|[^\s\uE000]+/g)) {
    const isSpace = part.trim() === "";
    if (isSpace && text === "") continue;
    const shown = isSpace ? " " : part.startsWith(CODE) ? CODE : part;
    text += shown;
    for (let at = 0; at < shown.length; at += 1) offsets.push(start + index + at);
  }
  return { text: text.trimEnd(), offsets, words: countWords(text) };
}

function countWords(text: string): number {
  return text.replaceAll(CODE, " ").match(/[\p{L}\d]+(?:['’.-][\p{L}\d]+)*/gu)?.length ?? 0;
}
