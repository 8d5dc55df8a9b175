/** Replaces a code span, a value in a template or a link's address. It counts as one word, and has no letters. */
export const CODE = "\uE000";

/** Ends a block of prose, such as a table cell, within a line. */
export const BREAK = "\uE001";

/**
 * A part of a file that contains prose. `text` has the same length as the part: everything else is replaced by
 * spaces, `CODE` or `BREAK`. So an offset in `text` plus `start` is an offset in the file.
 */
export interface Passage {
  readonly start: number;
  readonly text: string;
}

/** Replaces all characters except line ends, by default with spaces. */
export function mask(text: string, by = " "): string {
  return text.replaceAll(/[^\n]/g, by);
}

/** Like `mask`, but replaces line ends too, so that a code span of two lines stays one word. */
export function maskCode(text: string): string {
  return CODE.repeat(text.length);
}

/** The text with the ranges that `replacements` names replaced by texts of the same length. */
export function replaceRanges(
  text: string,
  replacements: ReadonlyArray<{ readonly at: number; readonly by: string }>,
): string {
  let result = "";
  let end = 0;
  for (const { at, by } of replacements.toSorted((left, right) => left.at - right.at)) {
    if (at < end) continue;
    result += text.slice(end, at) + by;
    end = at + by.length;
  }
  return result + text.slice(end);
}
