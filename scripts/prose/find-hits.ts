import { extractProse } from "./extract.ts";
import { CODE } from "./passage.ts";
import { PATTERNS } from "./patterns.ts";
import { type Sentence, splitSentences } from "./sentences.ts";

/** A pattern that was found in a sentence. */
export interface Hit {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly pattern: string;
  /** The sentence in one line, with … for each code span. */
  readonly sentence: string;
  /** What to write instead. */
  readonly advice: string;
}

export interface FileResult {
  readonly hits: readonly Hit[];
  /** The number of words of prose. */
  readonly words: number;
}

/**
 * The limits of a sentence. Plain English has about 20 words per sentence. A sentence above these limits must be
 * split.
 */
const MAX_WORDS = 30;
const MAX_JOINS = 2;

/** Finds the patterns in the prose of a file. Undefined if the file is not of a kind with prose. */
export function findHits(path: string, source: string): FileResult | undefined {
  const passages = extractProse(path, source);
  if (passages === undefined) return undefined;
  const sentences = passages.flatMap(splitSentences);
  const hits = sentences.flatMap((sentence) =>
    findInSentence(sentence).map(({ index, pattern, advice }) => ({
      path,
      ...position(source, sentence.offsets[index]),
      pattern,
      sentence: sentence.text.replaceAll(CODE, "…"),
      advice,
    })),
  );
  return { hits, words: sentences.reduce((sum, { words }) => sum + words, 0) };
}

interface SentenceHit {
  readonly index: number;
  readonly pattern: string;
  readonly advice: string;
}

function findInSentence({ text, words }: Sentence): SentenceHit[] {
  const hits: SentenceHit[] = PATTERNS.flatMap(({ name, find, reason, bad, good }) => {
    const index = text.search(find);
    return index === -1
      ? []
      : [{ index, pattern: name, advice: `${reason} Not "${bad}" but "${good}"` }];
  });
  if (words > MAX_WORDS) {
    const advice = `${words} words, at most ${MAX_WORDS}. Make it two sentences, or a list.`;
    hits.push({ index: 0, pattern: "long sentence", advice });
  }
  const joins = text.match(/;| [–—-] /g)?.length ?? 0;
  if (joins > MAX_JOINS) {
    const advice = `${joins} semicolons and dashes, at most ${MAX_JOINS}. Make it several sentences, or a list.`;
    hits.push({ index: 0, pattern: "too many joins", advice });
  }
  return hits;
}

/** Line and column of an offset, both from 1. */
function position(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
