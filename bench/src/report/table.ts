import type { Load } from "../load/loads.ts";
import type { TrafficRound } from "../load/protocol.ts";
import type { Comparison, Result } from "../run/compare.ts";
import { isMemoryRound, type MemoryRound } from "../run/rounds.ts";
import { medianOf, type Spread } from "../run/statistics.ts";

/** Rows of cells. The first row is the header. The first column has names, the others have numbers. */
export type Table = readonly (readonly string[])[];

/** The table with all measurements of one workload. */
export function tableOf({ workload, results }: Comparison): Table {
  const isMemory = results.some(({ rounds }) => rounds.some(isMemoryRound));
  const table = isMemory ? memoryTable(results) : trafficTable(results, workload.load.kind);
  return workload.isComparedWithLast === true ? withRatioToLast(table, results) : table;
}

/** Adds a column after the ratio to the first program. */
function withRatioToLast([header, ...rows]: Table, results: readonly Result[]): Table {
  const name = results.at(-1)?.program.name ?? "";
  const insert = (row: readonly string[], cell: string): string[] => row.toSpliced(2, 0, cell);
  return [
    insert(header, `ratio to ${name}`),
    ...rows.map((row, at) => insert(row, formatSpread(results[at].ratioToLast))),
  ];
}

/** Formats a ratio with the lowest and the highest of the rounds. */
export function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return "-";
  const { median, min, max } = spread;
  return `${formatRatio(median)} (${formatRatio(min)} - ${formatRatio(max)})`;
}

export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < 100_000) return `${Math.round(bytes).toLocaleString("en")} B`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/** Formats a table for a terminal, with aligned columns. */
export function alignedTable(table: Table): string {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function markdownTable([header, ...rows]: Table): string {
  const rule = header.map((_, at) => (at === 0 ? "---" : "---:"));
  return [header, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function trafficTable(results: readonly Result[], kind: Load["kind"]): Table {
  const header = ["", "ratio", "CPU us each", "per second", "CPU", "kernel share", "load CPU", ""];
  return [
    header,
    ...results.map(({ program, ratio, rounds }) => {
      const traffic = rounds.filter((round): round is TrafficRound => !isMemoryRound(round));
      const median = (value: (round: TrafficRound) => number): number =>
        medianOf(traffic.map(value));
      const busy = median((round) => round.subjectCpuSeconds / round.wallSeconds);
      const loadBusy = median((round) => round.loadCpuSeconds / round.wallSeconds);
      return [
        program.name,
        formatSpread(ratio),
        median((round) => (1e6 * round.subjectCpuSeconds) / round.messages).toFixed(2),
        Math.round(median((round) => round.messages / round.wallSeconds)).toLocaleString("en"),
        percent(busy),
        percent(kernelShare(traffic)),
        percent(loadBusy),
        kind !== "fixed-rate" && isLoadTheLimit(busy, loadBusy) ? "load is the limit" : "",
      ];
    }),
  ];
}

/** The share over all rounds together, because one round has too few ticks of kernel time. */
function kernelShare(rounds: readonly TrafficRound[]): number {
  const sum = (value: (round: TrafficRound) => number): number =>
    rounds.reduce((total, round) => total + value(round), 0);
  const share =
    sum((round) => round.subjectKernelSeconds) / sum((round) => round.subjectCpuSeconds);
  return Math.min(1, share);
}

/** Whether the load was slower than the program, which then got fewer messages at once than it could process. */
function isLoadTheLimit(busy: number, loadBusy: number): boolean {
  return busy < 0.9 && loadBusy > busy;
}

function memoryTable(results: readonly Result[]): Table {
  return [
    ["", "ratio", "process", "heap"],
    ...results.map(({ program, ratio, rounds }) => {
      const memory = rounds.filter((round): round is MemoryRound => isMemoryRound(round));
      return [
        program.name,
        formatSpread(ratio),
        formatBytes(medianOf(memory.map(({ rssBytes }) => rssBytes))),
        formatBytes(medianOf(memory.map(({ heapBytes }) => heapBytes))),
      ];
    }),
  ];
}

function formatRatio(ratio: number): string {
  return ratio.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
