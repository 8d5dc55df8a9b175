/** A hit that is allowed. */
export interface Exception {
  readonly path: string;
  /** The name of the pattern. */
  readonly pattern: string;
  /** A part of the sentence, in one line, with … for each code span. */
  readonly text: string;
  readonly reason: string;
}

/** Each must be needed: the check fails for an exception that matches nothing. */
export const EXCEPTIONS: readonly Exception[] = [];
