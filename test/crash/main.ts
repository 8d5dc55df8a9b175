/**
 * The long run: `npm run crash -- --minutes 10 --broker redis`. More options:
 *
 * - `--clients 200`: the number of clients.
 * - `--kind hand-made`: subscribers of topics without channels.
 * - `--fault skip-delivery`: servers with a fault, which the checker must find.
 * - `--history 60`: the size of the history. Clients that miss more get a notice.
 * - `--log FILE`: writes everything that was received and published to a file, as JSON.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ensureChromium, launchChromium } from "../support/chromium.ts";
import { ensureEngine } from "../support/engines-setup.ts";
import { type Fault, FAULTS } from "./faulty-topics.ts";
import { reportRun } from "./report.ts";
import { type CrashOptions, runCrashes } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    broker: { type: "string", default: "redis" },
    clients: { type: "string", default: "100" },
    kind: { type: "string", default: "channels" },
    fault: { type: "string" },
    history: { type: "string" },
    log: { type: "string" },
  },
});
const [minutes, clients] = [Number(values.minutes), Number(values.clients)];
const { broker: engine, kind, fault, history } = values;
if (
  !(minutes > 0) ||
  !(clients > 0) ||
  (engine !== "redis" && engine !== "nats") ||
  (kind !== "channels" && kind !== "hand-made") ||
  (fault !== undefined && !FAULTS.includes(fault as Fault))
) {
  throw new Error(
    "usage: npm run crash -- --minutes N --broker redis|nats --clients N --kind channels|hand-made " +
      `--fault ${FAULTS.join("|")} --history N --log FILE`,
  );
}
const { path, reason } = ensureEngine(`${engine}-server`);
if (path === undefined) throw new Error(reason);

const run = await runCrashes({
  engine,
  path,
  clientKind: kind,
  seconds: minutes * 60,
  clients,
  fault: fault as Fault | undefined,
  historySize: history === undefined ? undefined : Number(history),
  launchBrowser: kind === "channels" ? browserLauncher() : undefined,
  onProgress: (line) => console.log(line),
});
if (values.log !== undefined) await writeFile(values.log, JSON.stringify(run));
const { lines, isCorrect } = reportRun(run);
for (const line of lines) console.log(line);
if (!isCorrect) process.exitCode = 1;

/** Without a Chromium there is only a warning, or with `CI=true` an error. */
function browserLauncher(): CrashOptions["launchBrowser"] {
  const chromium = ensureChromium();
  if (chromium.path !== undefined) return () => launchChromium(chromium.path);
  if (process.env["CI"] === "true") throw new Error(chromium.reason);
  console.warn(`no clients in a browser: ${chromium.reason}`);
  return undefined;
}
