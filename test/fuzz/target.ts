import * as fc from "fast-check";

/**
 * A function that is fed hostile input. Inputs are JSON, so that a printed input can be added to
 * the corpus.
 */
export interface FuzzTarget<Input = unknown> {
  /** The name of its folder in the corpus. */
  readonly name: string;
  /** Generates random inputs, some of them based on the corpus. */
  arbitrary(corpus: readonly Input[]): fc.Arbitrary<Input>;
  /** Throws if the code under test treats `input` wrongly. */
  check(input: Input): void;
}

/** The duration and the seed of a run. */
export interface FuzzOptions {
  /** The same seed generates the same inputs in the same order. */
  readonly seed: number;
  /** Default: unlimited. */
  readonly maxRuns?: number;
  /** Default: unlimited. */
  readonly maxMs?: number;
}

export interface FuzzResult {
  readonly runs: number;
  readonly crash?: Crash;
}

/** The smallest input found for which `check` throws `error`. */
export interface Crash {
  readonly input: unknown;
  readonly error: unknown;
}

const MAX_SHRINKING_MS = 60_000;

/** Feeds `target` until an input fails or a limit is reached. */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly unknown[],
  { seed, maxRuns = Number.MAX_SAFE_INTEGER, maxMs }: FuzzOptions,
): FuzzResult {
  // As read from the corpus, so that the failure is reproducible there.
  const property = fc.property(target.arbitrary(corpus).map(asJson), (input) => {
    target.check(input);
  });
  const limits = maxMs === undefined ? {} : { interruptAfterTimeLimit: maxMs };
  const found = fc.check(property, { seed, numRuns: maxRuns, ...limits, endOnFailure: true });
  if (found.counterexamplePath === null) return { runs: found.numRuns };
  // Shrinking has a separate time limit, so that an input found in the last second is shrunk too.
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

/** The failure, and how to add it to the corpus. */
export function describeCrash(target: string, { input }: Crash): string {
  return (
    `the fuzz target ${target} fails for the input below. Fix the bug, and add the input as\n` +
    `test/fuzz/corpus/${target}/<what-is-special-about-it>.json\n\n${JSON.stringify(input)}\n`
  );
}
