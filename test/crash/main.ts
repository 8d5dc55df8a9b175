/** The long run: `npm run crash -- --minutes 10 --broker redis`. */
import { parseArgs } from "node:util";
import { ensureEngine } from "../support/engines-setup.ts";
import { countLosses, findViolations } from "./checker.ts";
import { runCrashes } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    broker: { type: "string", default: "redis" },
    clients: { type: "string", default: "200" },
  },
});
const [minutes, clients] = [Number(values.minutes), Number(values.clients)];
const { broker: engine } = values;
if (!(minutes > 0) || !(clients > 0) || (engine !== "redis" && engine !== "nats")) {
  throw new Error("usage: npm run crash -- --minutes N --broker redis|nats --clients N");
}
const { path, reason } = ensureEngine(`${engine}-server`);
if (path === undefined) throw new Error(reason);

const run = await runCrashes({
  engine,
  path,
  seconds: minutes * 60,
  clients,
  onProgress: (line) => console.log(line),
});
const violations = findViolations(run);
const events = run.clients.flatMap((client) => client.events);
console.log(`${run.acknowledgements.length} publications were acknowledged`);
console.log(`${events.filter(({ type }) => type === "publication").length} were delivered`);
console.log(`${events.filter(({ type }) => type === "subscribed").length} connections were made`);
console.log(`${countLosses(run)} notices reported missed publications to a client`);
for (const violation of violations.slice(0, 20)) console.error(violation);
console.log(`${violations.length} violations`);
if (violations.length > 0) process.exitCode = 1;
