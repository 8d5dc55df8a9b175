/**
 * The tests in other runtimes: `npm run test:runtimes`. Options:
 *
 * - `--runtime bun`: only in this one. May be repeated.
 * - `--area "hostile peers"`: only the tests of one area.
 * - `--part tests|pairs|speed|browsers`: only the tests, the conversations of all pairs, the CPU time of servers, or
 *   the browser entry in Chromium and Firefox. May be repeated.
 * - `--write`: records the result in `test/runtimes/result.json`, and in the tables of `docs/runtimes.md`. The
 *   records of other areas remain.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { ensureRuntimes, type Runtime, RUNTIMES } from "../support/runtimes.ts";
import { converseInAllPairs, type Installed } from "./all-pairs.ts";
import { AREAS } from "./areas.ts";
import { describePair, describeResult, describeSpeed } from "./describe-result.ts";
import { readResult, withRuntime, writeResult } from "./result.ts";
import { measureServers } from "./speed.ts";
import { writeTables } from "./tables.ts";
import { testBrowsers } from "./test-browsers.ts";
import { testRuntime } from "./test-runtime.ts";

const PARTS = ["tests", "pairs", "speed", "browsers"];

const { values } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true, default: [...RUNTIMES] },
    area: { type: "string" },
    part: { type: "string", multiple: true, default: PARTS },
    write: { type: "boolean", default: false },
  },
});
const { runtime: wanted, area, part: parts, write } = values;
if (
  !wanted.every((name) => RUNTIMES.includes(name as Runtime)) ||
  !parts.every((part) => PARTS.includes(part)) ||
  (area !== undefined && !AREAS.some(({ name }) => name === area))
) {
  throw new Error(
    `usage: npm run test:runtimes -- --runtime ${RUNTIMES.join("|")} --part ${PARTS.join("|")} ` +
      `--area ${AREAS.map(({ name }) => `"${name}"`).join("|")} --write`,
  );
}

// Then the tests that run are killed too.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

let recorded = readResult();
const needsRuntimes = parts.some((part) => part !== "browsers");
const runtimes = needsRuntimes ? installed(wanted as Runtime[]) : [];
if (parts.includes("tests")) for (const runtime of runtimes) await test(runtime);
if (parts.includes("pairs") && area === undefined) await converse();
if (parts.includes("speed") && area === undefined) await measure();
if (parts.includes("browsers") && area === undefined && !testBrowsers()) process.exitCode = 1;
if (write) {
  writeResult(recorded);
  writeTables(recorded);
}

/** The installed runtimes. With `CI=true` a missing one is an error. */
function installed(names: readonly Runtime[]): Installed[] {
  const available = ensureRuntimes();
  return names.flatMap((name) => {
    const { path, reason } = available[name];
    if (path !== undefined) return [[name, path] as const];
    console.error(`skipped: ${reason}`);
    if (process.env["CI"] === "true") process.exitCode = 1;
    return [];
  });
}

async function test([name, path]: Installed): Promise<void> {
  const result = await testRuntime(name, path, area);
  for (const line of describeResult(result)) console.log(line);
  const { failures, repaired, missing } = result;
  if (failures.length + repaired.length + missing.length > 0) process.exitCode = 1;
  // Bun prints only its version, and Deno more than that.
  const [version] = /\d+\.\d+\.\d+/.exec(versionOf(path)) ?? [];
  recorded = withRuntime(recorded, name, { version, areas: result.areas });
}

async function converse(): Promise<void> {
  const pairs = await converseInAllPairs(runtimes);
  for (const pair of pairs) console.log(describePair(pair));
  if (pairs.some(({ failed }) => Object.keys(failed).length > 0)) process.exitCode = 1;
  recorded = { ...recorded, pairs };
}

async function measure(): Promise<void> {
  for (const [name, speed] of await measureServers(runtimes)) {
    console.log(describeSpeed(name, speed));
    recorded = withRuntime(recorded, name, { speed });
  }
}

function versionOf(path: string): string {
  return spawnSync(path, ["--version"], { encoding: "utf8" }).stdout;
}
