import { allocateBenches } from "./allocate.ts";
import { maskBenches } from "./mask.ts";
import { parseBenches } from "./parse.ts";
import { serialiseBenches } from "./serialise.ts";
import { utf8Benches } from "./utf8.ts";

/**
 * Several implementations of one function. The first is the simplest, and the bench compares the others with it.
 */
export interface MicroBench {
  readonly name: string;
  readonly description: string;
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly name: string;
  /** The number of operations in one call of `run`. */
  readonly operations: number;
  run(): void;
}

export const MICRO_BENCHES: readonly MicroBench[] = [
  ...maskBenches,
  ...parseBenches,
  ...serialiseBenches,
  ...utf8Benches,
  ...allocateBenches,
];
