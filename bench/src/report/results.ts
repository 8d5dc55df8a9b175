import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WorkloadsCommand } from "../command-line.ts";
import { type Relay, RELAY_LOAD } from "../relays/relays.ts";
import { type Store, STORE_LOAD } from "../relays/stores.ts";
import type { Comparison } from "../run/compare.ts";
import { describeWorkload } from "../workloads.ts";
import { chartOf } from "./chart.ts";
import { type Machine, machineLines } from "./machine.ts";
import { relayTable, storeTable } from "./relays.ts";
import { summaryOf } from "./summary.ts";
import { markdownTable, tableOf } from "./table.ts";

const DIRECTORY = fileURLToPath(new URL("../../results/", import.meta.url));

/** Writes the tables, the chart and the raw rounds to `bench/results/`, and returns their paths. */
export function writeResults(
  { name, effort }: WorkloadsCommand,
  machine: Machine,
  comparisons: readonly Comparison[],
  relays: readonly Relay[],
  stores: readonly Store[],
): readonly string[] {
  const title = titleOf(comparisons);
  const raw = { machine, effort, workloads: comparisons.map(plain), relays, stores };
  const lines = [
    ...machineLines(machine),
    `rounds: ${effort.rounds} of ${effort.times.measuredMs} ms each`,
  ];
  mkdirSync(DIRECTORY, { recursive: true });
  const files = {
    [`${name}.md`]: markdownOf(name, title, lines, comparisons, relays, stores),
    ...(comparisons.length === 0 ? {} : { [`${name}.svg`]: chartOf(title, comparisons) }),
    [`${name}.json`]: `${JSON.stringify(raw, undefined, 1)}\n`,
  };
  return Object.entries(files).map(([file, contents]) => {
    writeFileSync(`${DIRECTORY}${file}`, contents);
    return `bench/results/${file}`;
  });
}

function titleOf([first]: readonly Comparison[]): string {
  if (first === undefined) return "Topics through Redis and NATS";
  return `Throughput per CPU time and memory, compared with ${first.workload.programs[0].name}`;
}

function markdownOf(
  name: string,
  title: string,
  lines: readonly string[],
  comparisons: readonly Comparison[],
  relays: readonly Relay[],
  stores: readonly Store[],
): string {
  return [
    `# ${title}`,
    lines.map((line) => `- ${line}`).join("\n"),
    `Median of the rounds (lowest - highest). See [Measurements](../README.md#measurements). The raw rounds are in [${name}.json](${name}.json).`,
    ...(comparisons.length === 0 ? [] : summarySection(name, comparisons)),
    ...comparisons.flatMap(workloadSection),
    ...(relays.length === 0 ? [] : relaySection(relays, stores)),
    "",
  ].join("\n\n");
}

function summarySection(name: string, comparisons: readonly Comparison[]): string[] {
  return [`![Bar chart of the ratios](${name}.svg)`, markdownTable(summaryOf(comparisons))];
}

function relaySection(relays: readonly Relay[], stores: readonly Store[]): string[] {
  return [
    "## relays",
    `topics: ${RELAY_LOAD}; all processes together, in wall-clock time`,
    markdownTable(relayTable(relays)),
    `publications: ${STORE_LOAD}; in wall-clock time`,
    markdownTable(storeTable(stores)),
  ];
}

function workloadSection(comparison: Comparison): string[] {
  const { workload, scale, failures } = comparison;
  return [
    `## ${workload.name}`,
    `${describeWorkload(workload)}; ratio of ${scale.title}, ${scale.better} is better`,
    markdownTable(tableOf(comparison)),
    ...failures.map(({ program, reason }) => `${program.name} failed: ${firstLine(reason)}`),
  ];
}

function plain({ workload, scale, results, failures }: Comparison): unknown {
  return {
    name: workload.name,
    description: describeWorkload(workload),
    load: workload.load,
    ratioOf: scale.title,
    better: scale.better,
    target: workload.target,
    programs: results.map(({ program, ratio, rounds }) => ({ name: program.name, ratio, rounds })),
    failures: failures.map(({ program, reason }) => ({
      name: program.name,
      reason: firstLine(reason),
    })),
  };
}

/** The message without the stack, which contains paths of the machine. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0];
}
