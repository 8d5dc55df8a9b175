/**
 * `npm run connections` holds many idle connections, kills the servers, and waits until all clients have
 * reconnected. The README of the bench describes the output. This file is the program of all its processes.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runClients } from "./clients.ts";
import { type PlanOptions, planRun } from "./plan.ts";
import { planLines, resultLines } from "./report.ts";
import { runConnections } from "./run.ts";
import { runServer } from "./server.ts";

const USAGE = `npm run connections -- [COUNT] [--processes N] [--timeout SECONDS] [--json FILE]

COUNT is the number of connections, or max for as many as the memory allows. Default: 100000.
Use --processes N for at least N server processes and N client processes. Default: 1.
Use --timeout SECONDS to limit how long clients may take to connect, and to return. Default: 300.
Use --json FILE to write all measurements to a file.`;

const [role] = process.argv.slice(2);
if (role === "server" || role === "clients") {
  // The process must not outlive the run.
  process.on("disconnect", () => process.exit());
  if (role === "server") runServer();
  else runClients();
} else {
  await main();
}

async function main(): Promise<void> {
  try {
    const settings = readCommandLine();
    if (settings === undefined) console.log(USAGE);
    else await measure(settings);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

interface Settings extends PlanOptions {
  readonly timeoutMs: number;
  /** The file for all measurements. */
  readonly file: string | undefined;
}

/** Returns undefined if the user asks for help. */
function readCommandLine(): Settings | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      processes: { type: "string", default: "1" },
      timeout: { type: "string", default: "300" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [count = "100000"] = positionals;
  return {
    connections: count === "max" ? count : positive("COUNT", count),
    processes: positive("--processes", values.processes),
    timeoutMs: positive("--timeout", values.timeout) * 1000,
    file: values.json,
  };
}

async function measure({ timeoutMs, file, ...options }: Settings): Promise<void> {
  if (process.platform !== "linux") throw new Error("the run needs Linux, because it reads /proc");
  const plan = await planRun(options);
  print(planLines(plan));
  const result = await runConnections(plan, {
    program: fileURLToPath(import.meta.url),
    timeoutMs,
    onProgress: (line) => console.log(line),
  });
  print(resultLines(result));
  if (file !== undefined) writeFileSync(file, JSON.stringify(result));
  const { openAtServers } = result.back;
  if (openAtServers === result.connections) return;
  throw new Error(
    `the servers count ${openAtServers} open connections, and the clients ${result.connections}`,
  );
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name} is ${text}; it must be an integer above 0\n\n${USAGE}`);
}
