import { describe, expect, it } from "vitest";
import type { TrafficRound } from "../../bench/src/load/protocol.ts";
import { type Library, type Program, server } from "../../bench/src/programs.ts";
import { chartOf } from "../../bench/src/report/chart.ts";
import { relayTable, storeTable } from "../../bench/src/report/relays.ts";
import { summaryOf } from "../../bench/src/report/summary.ts";
import { alignedTable, markdownTable, tableOf } from "../../bench/src/report/table.ts";
import type { Comparison, Result } from "../../bench/src/run/compare.ts";
import { type Round, scaleOf } from "../../bench/src/run/rounds.ts";
import { medianOf, spreadOf } from "../../bench/src/run/statistics.ts";
import { WORKLOADS, type Workload } from "../../bench/src/workloads.ts";

describe("the statistics of the bench", () => {
  it("use the median, or the mean of the two middle values", () => {
    expect(medianOf([9, 1, 5])).toBe(5);
    expect(medianOf([4, 1, 3, 100])).toBe(3.5);
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
  });

  it("compare messages per processor second, processor time at a fixed rate, or memory", () => {
    const round = traffic({ messages: 1000, subjectCpuSeconds: 0.5 });
    expect(scaleOf(workload("binary-125").load).valueOf(round)).toBe(2000);
    expect(scaleOf(workload("fixed-rate").load).valueOf(round)).toBe(0.0005);
    const idle = { rssBytes: 5000, heapBytes: 2000 };
    expect(scaleOf(workload("idle").load).valueOf(idle)).toBe(5000);
  });
});

describe("the report of the bench", () => {
  it("has a row per program with the median and the range of its ratio", () => {
    const table = tableOf(comparison("binary-125", { ws: 1, tideway: 10, bun: 12 }));
    expect(table.map(([name]) => name)).toEqual(["", "ws", "tideway", "Bun"]);
    expect(table[2][1]).toBe("10.00 (9.00 - 11.00)");
  });

  it("has a column with ratios to the last program if the workload asks for it", () => {
    const { results, ...rest } = comparison("ws-face-125", { ws: 1, tideway: 10 });
    const ratioToLast = { median: 0.95, min: 0.9, max: 1 };
    const compared = results.map((result) => ({ ...result, ratioToLast }));
    const [header, , tidewayWs] = tableOf({ ...rest, results: compared });
    expect(header.slice(0, 3)).toEqual(["", "ratio", "ratio to tideway/ws"]);
    expect(tidewayWs.slice(0, 3)).toEqual([
      "tideway/ws",
      "10.00 (9.00 - 11.00)",
      "0.95 (0.90 - 1.00)",
    ]);
  });

  it("marks measurements in which the load used more time than the program", () => {
    const busy = comparison("binary-125", { ws: 1, tideway: 2 });
    expect(tableOf(busy)[1].at(-1)).toBe("");
    const idle = comparison("binary-125", { ws: 1, tideway: 2 }, { loadCpuSeconds: 1 });
    expect(tableOf(idle)[1].at(-1)).toBe("load is the limit");
  });

  it("has a summary row per workload, with its target and its failures", () => {
    const { failures, ...rest } = comparison("binary-125", { ws: 1, tideway: 10 });
    const [, bun] = workload("binary-125").programs.slice(1);
    const [, row] = summaryOf([
      { ...rest, failures: [...failures, { program: bun, reason: "it ended" }] },
    ]);
    expect(row.slice(1)).toEqual(["10.00 (9.00 - 11.00)", "failed", "-", "9.5", "12"]);
  });

  it("draws a bar for each program except the first", () => {
    const chart = chartOf("title <&>", [
      comparison("binary-125", { ws: 1, tideway: 10, bun: 12, net: 12 }),
      comparison("fixed-rate", { ws: 1, tideway: 0.7 }),
    ]);
    expect(chart.match(/<rect[^>]*fill-opacity/g)).toHaveLength(4);
    expect(chart).toContain("title &lt;&amp;>");
    expect(chart).toContain("less is better");
    expect(chart).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("has a row for each engine of topics, with the reason if figures are missing", () => {
    const figures = {
      deliveriesPerSecond: 12_345.6,
      publicationsPerSecond: 61.7,
      latencyMs: { p50: 1.234, p99: 10 },
    };
    const table = relayTable([
      { engine: "memory", serverCount: 1, figures },
      { engine: "redis", serverCount: 2, reason: "redis-server is not installed" },
    ]);
    expect(table.slice(1)).toEqual([
      ["memory, 1 server", "12,346", "62", "1.23 ms", "10.00 ms"],
      ["redis, 2 servers", "left out: redis-server is not installed", "-", "-", "-"],
    ]);
  });

  it("has a row per load for the publications that an engine stores", () => {
    const table = storeTable([
      { name: "nats, 64 in flight", publicationsPerSecond: 12_345.6 },
      { name: "redis, 1 in flight", reason: "redis-server is not installed" },
    ]);
    expect(table.slice(1)).toEqual([
      ["nats, 64 in flight", "12,346"],
      ["redis, 1 in flight", "left out: redis-server is not installed"],
    ]);
  });

  it("aligns columns and writes Markdown", () => {
    const table = [
      ["", "n"],
      ["ws", "10"],
    ];
    expect(alignedTable(table)).toBe("     n\nws  10");
    expect(markdownTable(table)).toBe("|  | n |\n| --- | ---: |\n| ws | 10 |");
  });
});

/** Results with these ratios to the first, within a tenth. */
function comparison(
  name: string,
  ratios: Partial<Record<Library, number>>,
  traits: Partial<TrafficRound> = {},
): Comparison {
  const { programs, ...rest } = workload(name);
  const measured = Object.entries(ratios).map(([library, ratio]) => {
    const program = programs.find((candidate) => candidate.library === library);
    return resultOf(program ?? server(library as Library, "echo"), ratio, [traffic(traits)]);
  });
  return {
    workload: { ...rest, programs },
    scale: scaleOf(rest.load),
    results: measured,
    failures: [],
  };
}

function resultOf(program: Program, ratio: number, rounds: readonly Round[]): Result {
  const around = program.library === "ws" ? 0 : ratio / 10;
  return { program, rounds, ratio: { median: ratio, min: ratio - around, max: ratio + around } };
}

function traffic(traits: Partial<TrafficRound>): TrafficRound {
  return {
    messages: 1000,
    wallSeconds: 1,
    subjectCpuSeconds: 0.5,
    subjectKernelSeconds: 0.2,
    loadCpuSeconds: 0.3,
    ...traits,
  };
}

function workload(name: string): Workload {
  const found = WORKLOADS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no workload ${name}`);
  return found;
}
