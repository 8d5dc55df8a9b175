import { describeLoad } from "../load/loads.ts";
import type { Library } from "../programs.ts";
import type { Comparison, Result } from "../run/compare.ts";
import { isMemoryRound } from "../run/rounds.ts";
import { medianOf } from "../run/statistics.ts";
import { formatBytes, formatSpread, type Table } from "./table.ts";

/** One row a workload: how far this package is, beside the others and its target. */
export function summaryOf(comparisons: readonly Comparison[]): Table {
  return [
    ["workload", "tideway", "Bun", "bare net", "at least", "aim"],
    ...comparisons.map((comparison) => [
      `${comparison.workload.name}: ${describeLoad(comparison.workload.load)}`,
      cell(comparison, "tideway"),
      cell(comparison, "bun"),
      cell(comparison, "net"),
      target(comparison, "least"),
      target(comparison, "aim"),
    ]),
  ];
}

function cell(comparison: Comparison, library: Library): string {
  // The last of a library is the one that is compared, where it is compared with itself.
  const result = comparison.results.findLast(({ program }) => program.library === library);
  if (result === undefined) return isFailed(comparison, library) ? "failed" : "-";
  const bytes = memoryOf(result);
  const ratio = formatSpread(result.ratio);
  return bytes === undefined ? ratio : `${formatBytes(bytes)}, ${ratio}`;
}

function isFailed({ failures }: Comparison, library: Library): boolean {
  return failures.some(({ program }) => program.library === library);
}

function memoryOf({ rounds }: Result): number | undefined {
  const bytes = rounds.filter(isMemoryRound).map(({ rssBytes }) => rssBytes);
  return bytes.length === 0 ? undefined : medianOf(bytes);
}

function target({ workload }: Comparison, which: "least" | "aim"): string {
  const value = workload.target?.[which];
  if (value === undefined) return "-";
  return workload.load.kind === "idle" ? formatBytes(value) : String(value);
}
