import { allocateBenches } from "./allocate.ts";
import { maskBenches } from "./mask.ts";
import { parseBenches } from "./parse.ts";
import { serialiseBenches } from "./serialise.ts";
import { utf8Benches } from "./utf8.ts";

/** Ways to do the same thing; the first is the plain one that the others are compared with. */
export interface MicroBench {
  readonly name: string;
  readonly description: string;
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly name: string;
  /** How many of what the table counts one call of `run` does. */
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
