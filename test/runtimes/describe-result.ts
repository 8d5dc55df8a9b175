import type { PairResult } from "./all-pairs.ts";
import type { TestOutcome } from "./run-progress.ts";
import type { Speed } from "./speed.ts";
import type { RuntimeResult } from "./test-runtime.ts";

/** The tests of a runtime for a terminal, as lines. */
export function describeResult(result: RuntimeResult): string[] {
  return [
    `\n${result.runtime}`,
    ...result.areas.map(
      ({ name, passed, different, skipped }) =>
        `  ${name.padEnd(28)}${column(passed)} passed${column(different)} different${column(skipped)} skipped`,
    ),
    ...listed("failed", result.failures),
    ...listed("known to fail, but passed", result.repaired),
    ...listed("known to fail, but missing", result.missing),
    ...listed("failed, but passed alone", result.unstable),
  ];
}

export function describePair({ server, client, kind, conversations, failed }: PairResult): string {
  const count = conversations.length - Object.keys(failed).length;
  const errors = Object.entries(failed).map(([name, error]) => `\n  ${name}: ${error}`);
  return `${server} serves ${client} (${kind}): ${count} of ${conversations.length} conversations${errors.join("")}`;
}

export function describeSpeed(name: string, speed: Speed): string {
  const costs = Object.entries(speed).map(
    ([length, cost]) => `${cost.toFixed(1)} us of CPU time for an echo of ${length} bytes`,
  );
  return `${name}: ${costs.join(", ")}`;
}

function column(count: number): string {
  return `${count}`.padStart(6);
}

function listed(title: string, tests: ReadonlyArray<Pick<TestOutcome, "file" | "name">>): string[] {
  return tests.map(({ file, name }) => `  ${title}: ${file}: ${name}`);
}
