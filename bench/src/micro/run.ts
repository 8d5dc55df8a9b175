import { alignedTable } from "../report/table.ts";
import { medianOf } from "../run/statistics.ts";
import { MICRO_BENCHES, type MicroBench, type Variant } from "./benches.ts";

const ROUNDS = 9;
const ROUND_MS = 30;
const WARM_UP_MS = 100;

/**
 * Runs the micro benchmarks with names that begin with one of `names`, or all, and prints a table for each.
 * Returns an error message if no benchmark has such a name.
 */
export function runMicroBenches(names: readonly string[]): string | undefined {
  const chosen = MICRO_BENCHES.filter(
    (bench) => names.length === 0 || names.some((name) => bench.name.startsWith(name)),
  );
  if (chosen.length === 0) {
    const all = MICRO_BENCHES.map(({ name }) => `  ${name}`).join("\n");
    return `There is no micro benchmark with the name ${names.join(" or ")}. The names are:\n${all}`;
  }
  for (const bench of chosen) {
    console.log(`\n${bench.name}: ${bench.description}`);
    console.log(alignedTable(measure(bench)));
  }
  return undefined;
}

function measure({ variants }: MicroBench): string[][] {
  const repeats = variants.map(calibrate);
  const rounds = Array.from({ length: ROUNDS }, () =>
    variants.map((variant, at) => time(variant, repeats[at]) / (repeats[at] * variant.operations)),
  );
  return [
    ["", "ns each", "speed ratio", "(lowest - highest)"],
    ...variants.map(({ name }, at) => {
      const ratios = rounds.map((round) => round[0] / round[at]);
      return [
        name,
        (medianOf(rounds.map((round) => round[at])) * 1e6).toFixed(1),
        medianOf(ratios).toFixed(2),
        `(${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)})`,
      ];
    }),
  ];
}

/** Finds the number of calls that fill a round. Also warms up the code. */
function calibrate(variant: Variant): number {
  let repeats = 1;
  let spentMs = 0;
  for (let totalMs = 0; totalMs < WARM_UP_MS || spentMs < ROUND_MS / 4; totalMs += spentMs) {
    if (spentMs < ROUND_MS / 4) repeats *= 2;
    spentMs = time(variant, repeats);
  }
  return Math.max(1, Math.round((repeats * ROUND_MS) / spentMs));
}

/** Measures processor time, so that other processes on the machine do not count. */
function time(variant: Variant, repeats: number): number {
  const before = process.cpuUsage();
  for (let done = 0; done < repeats; done++) variant.run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
