/**
 * The tests in other runtimes: `npm run test:runtimes`. Options:
 *
 * - `--runtime bun`: only this one. May be repeated. `--runtime browsers`: the browser entry in Chromium and Firefox.
 * - `--area "hostile peers"`: only the tests of one area.
 * - `--write`: writes the result to `test/runtimes/result.json`, and the tables of `docs/runtimes.md`.
 */
import { parseArgs } from "node:util";
import { ensureRuntimes, type Runtime, RUNTIMES } from "../support/runtimes.ts";
import { AREAS } from "./areas.ts";
import { describeResult } from "./describe-result.ts";
import { testBrowsers } from "./test-browsers.ts";
import { testRuntime } from "./test-runtime.ts";

const BROWSERS = "browsers";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true },
    area: { type: "string" },
  },
});
const wanted: readonly string[] =
  values.runtime ?? (values.area === undefined ? [...RUNTIMES, BROWSERS] : RUNTIMES);
if (
  !wanted.every((name) => name === BROWSERS || RUNTIMES.includes(name as Runtime)) ||
  (values.area !== undefined && !AREAS.some(({ name }) => name === values.area))
) {
  throw new Error(
    `usage: npm run test:runtimes -- --runtime ${[...RUNTIMES, BROWSERS].join("|")} ` +
      `--area ${AREAS.map(({ name }) => `"${name}"`).join("|")}`,
  );
}

const available = ensureRuntimes();
for (const runtime of wanted.filter((name): name is Runtime => name !== BROWSERS)) {
  const { path, reason } = available[runtime];
  if (path === undefined) {
    console.error(`skipped: ${reason}`);
    if (process.env["CI"] === "true") process.exitCode = 1;
    continue;
  }
  const result = await testRuntime(runtime, path, values.area);
  for (const line of describeResult(result)) console.log(line);
  if (result.failures.length > 0 || result.repaired.length > 0) process.exitCode = 1;
}
if (wanted.includes(BROWSERS) && !testBrowsers()) process.exitCode = 1;
