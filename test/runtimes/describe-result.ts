import type { TestOutcome } from "./run-tests.ts";
import type { RuntimeResult } from "./test-runtime.ts";

/** The result for a terminal, as lines. */
export function describeResult(result: RuntimeResult): string[] {
  return [
    `\n${result.runtime}`,
    ...result.areas.map(
      ({ area, passed, different, skipped }) =>
        `  ${area.padEnd(42)}${column(passed)} passed${column(different)} different${column(skipped)} skipped`,
    ),
    ...listed("failed", result.failures),
    ...listed("known to fail, but passed", result.repaired),
    ...listed("failed, but passed alone", result.unstable),
  ];
}

function column(count: number): string {
  return `${count}`.padStart(6);
}

function listed(title: string, tests: readonly TestOutcome[]): string[] {
  return tests.map(({ file, name }) => `  ${title}: ${file}: ${name}`);
}
