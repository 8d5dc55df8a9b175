import type { Library } from "../programs.ts";
import type { Comparison, Result } from "../run/compare.ts";
import { isMemoryRound } from "../run/rounds.ts";
import { medianOf } from "../run/statistics.ts";
import { describeWorkload } from "../workloads.ts";
import { formatBytes, formatSpread, type Table } from "./table.ts";

/** The summary, with a row for each workload: this package, the other libraries, and the target. */
export function summaryOf(comparisons: readonly Comparison[]): Table {
  return [
    ["workload", "tideway", "Bun", "bare net", "required", "aim"],
    ...comparisons.map((comparison) => [
      `${comparison.workload.name}: ${describeWorkload(comparison.workload)}`,
      cell(comparison, "tideway"),
      cell(comparison, "bun"),
      cell(comparison, "net"),
      target(comparison, "required"),
      target(comparison, "aim"),
    ]),
  ];
}

function cell(comparison: Comparison, library: Library): string {
  const { workload, results, failures } = comparison;
  // Without the first program, because the ratios are relative to it.
  const programs = workload.programs.slice(1).filter((program) => program.library === library);
  const result = results.find(({ program }) => program === programs[0]);
  if (result === undefined) {
    return failures.some(({ program }) => program === programs[0]) ? "failed" : "-";
  }
  const bytes = memoryOf(result);
  if (bytes === undefined) return formatSpread(result.ratio);
  const ratio = result.ratio === undefined ? "" : `, ${formatSpread(result.ratio)}`;
  return `${formatBytes(bytes)}${ratio}`;
}

function memoryOf({ rounds }: Result): number | undefined {
  const bytes = rounds.filter(isMemoryRound).map(({ rssBytes }) => rssBytes);
  return bytes.length === 0 ? undefined : medianOf(bytes);
}

function target({ workload }: Comparison, which: "required" | "aim"): string {
  const value = workload.target?.[which];
  if (value === undefined) return "-";
  return workload.load.kind === "idle" ? formatBytes(value) : String(value);
}
