import * as fc from "fast-check";

/**
 * Something that is fed with hostile input. Inputs are JSON, so that one that was found can be put
 * into the corpus as it was printed.
 */
export interface FuzzTarget<Input = unknown> {
  /** The name of its folder in the corpus. */
  readonly name: string;
  /** Makes inputs at random, some of them out of those in the corpus. */
  arbitrary(corpus: readonly Input[]): fc.Arbitrary<Input>;
  /** Throws where the code under test does not do what it is to do with `input`. */
  check(input: Input): void;
}

/** How long and from where to fuzz. */
export interface FuzzOptions {
  /** The same seed makes the same inputs, in the same order. */
  readonly seed: number;
  /** Default: no end. */
  readonly maxRuns?: number;
  /** Default: no end. */
  readonly maxMs?: number;
}

export interface FuzzResult {
  readonly runs: number;
  readonly crash?: Crash;
}

/** The smallest input found that makes `check` throw what `error` holds. */
export interface Crash {
  readonly input: unknown;
  readonly error: unknown;
}

const MAX_SHRINKING_MS = 60_000;

/** Feeds `target` until something breaks or the limits are reached. */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly unknown[],
  { seed, maxRuns = Number.MAX_SAFE_INTEGER, maxMs }: FuzzOptions,
): FuzzResult {
  // As it would come out of the corpus, so that what was found fails there as well.
  const property = fc.property(target.arbitrary(corpus).map(asJson), (input) => {
    target.check(input);
  });
  const limits = maxMs === undefined ? {} : { interruptAfterTimeLimit: maxMs };
  const found = fc.check(property, { seed, numRuns: maxRuns, ...limits, endOnFailure: true });
  if (found.counterexamplePath === null) return { runs: found.numRuns };
  // Shrinking has a time of its own: what is found in the last second is made small as well.
  const shrunk = fc.check(property, {
    seed,
    path: found.counterexamplePath,
    interruptAfterTimeLimit: MAX_SHRINKING_MS,
  });
  const { counterexample, errorInstance } = shrunk.counterexample === null ? found : shrunk;
  return { runs: found.numRuns, crash: { input: counterexample?.[0], error: errorInstance } };
}

function asJson(input: unknown): unknown {
  return JSON.parse(JSON.stringify(input));
}

/** What was found, and how it is kept. */
export function describeCrash(target: string, { input }: Crash): string {
  return (
    `the fuzz target ${target} fails for the input below. Mend what it shows, and keep it as\n` +
    `test/fuzz/corpus/${target}/<what is special about it>.json\n\n${JSON.stringify(input)}\n`
  );
}
