import { readFileSync, writeFileSync } from "node:fs";
import { type Runtime, RUNTIMES } from "../support/runtimes.ts";
import { AREAS } from "./areas.ts";
import { KNOWN_DIFFERENCES } from "./known-differences.ts";
import type { PairResult } from "./all-pairs.ts";
import type { ClientKind } from "./pairs.ts";
import type { RecordedResult } from "./result.ts";

const PAGE = "docs/runtimes.md";

const TITLES: Readonly<Record<Runtime, string>> = {
  node20: "Node.js 20",
  node22: "Node.js 22",
  node24: "Node.js 24",
  node26: "Node.js 26",
  bun: "Bun",
  deno: "Deno",
};

/** The tables of `docs/runtimes.md`, by name: each is between comments with its name. */
export function tablesOf(result: RecordedResult): Readonly<Record<string, string>> {
  return { works: worksTable(result), differences: differencesList() };
}

/** The page with other tables. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to === -1) throw new Error(`${PAGE} has no ${begin} with ${end}`);
    return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
  }, page);
}

export function writeTables(result: RecordedResult): void {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), tablesOf(result)));
}

function worksTable(result: RecordedResult): string {
  const cells = (cellOf: (name: Runtime) => string): string[] => RUNTIMES.map(cellOf);
  const of = (name: Runtime): RecordedResult["runtimes"][string] => result.runtimes[name] ?? {};
  return table([
    ["", ...cells((name) => TITLES[name])],
    ["version", ...cells((name) => of(name).version ?? "not run")],
    ...AREAS.map((area) => [
      area.name,
      ...cells((name) => {
        const counts = of(name).areas?.find((one) => one.name === area.name);
        if (counts === undefined) return "not run";
        const { passed, different, failed } = counts;
        const all = passed + different + failed;
        if (all === 0) return "none";
        return passed === all ? `${all}` : `${passed} of ${all}`;
      }),
    ]),
    ["serves the clients of all", ...cells((name) => pairsCell(result.pairs, { server: name }))],
    [
      "connects to the servers of all",
      ...cells((client) => pairsCell(result.pairs, { client, kind: "tideway" })),
    ],
    [
      "its own `WebSocket` connects to all",
      ...cells((client) => pairsCell(result.pairs, { client, kind: "own" })),
    ],
    ...["125", "16384"].map((length) => [
      `CPU time of an echo of ${length} bytes`,
      ...cells((name) => ratio(of(name).speed?.[length], of("node24").speed?.[length])),
    ]),
  ]);
}

/** The conversations in which a runtime had a part. */
function pairsCell(
  pairs: readonly PairResult[],
  part: { server?: Runtime; client?: Runtime; kind?: ClientKind },
): string {
  const own = pairs.filter((pair) =>
    Object.entries(part).every(([key, value]) => pair[key as keyof PairResult] === value),
  );
  if (pairs.length === 0) return "not run";
  if (own.length === 0) return "none";
  const all = own.reduce((sum, { conversations }) => sum + conversations.length, 0);
  const failed = own.reduce((sum, pair) => sum + Object.keys(pair.failed).length, 0);
  return failed === 0 ? `${all}` : `${all - failed} of ${all}`;
}

function ratio(cost: number | undefined, reference: number | undefined): string {
  return cost === undefined || reference === undefined ? "not run" : (cost / reference).toFixed(1);
}

function differencesList(): string {
  return KNOWN_DIFFERENCES.map(({ runtimes, reason, reference, tests }) => {
    const names = runtimes.map((name) => TITLES[name]).join(" and ");
    const count = tests.flatMap((one) => one.names ?? []).length;
    const scope = count === 0 ? "not run" : `${count} ${count === 1 ? "test" : "tests"}`;
    return `- ${names} (${scope}): ${reason}.${reference === undefined ? "" : ` [Reference](${reference})`}`;
  }).join("\n");
}

/** A table in Markdown, formatted as `npm run format` does. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const [head, ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
