/**
 * `npm run bench` compares the servers on every workload, `npm run bench -- NAME...` on those named.
 * What is compared is messages per second of the server's processor time, kernel time included.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release } from "node:os";
import { type Comparison, compare } from "./compare.ts";
import { startLoadClient } from "./processes.ts";
import { WORKLOADS, describeWorkload } from "./workloads.ts";

const names = process.argv.slice(2);
const chosen = WORKLOADS.filter(({ name }) => names.length === 0 || names.includes(name));
const unknown = names.filter((name) => !WORKLOADS.some((workload) => workload.name === name));

if (unknown.length > 0) {
  console.error(`No workload is called ${unknown.join(" or ")}. There are:`);
  for (const workload of WORKLOADS) {
    console.error(`  ${workload.name.padEnd(18)} ${describeWorkload(workload)}`);
  }
  process.exitCode = 1;
} else if (process.platform !== "linux" || cpus().length < 2) {
  console.error("The bench needs Linux and two cores: one for the server, one for the load.");
  process.exitCode = 1;
} else {
  await run();
}

async function run(): Promise<void> {
  console.log(describeMachine());
  console.log("ratio: messages per second of server CPU time; median of the rounds (min - max)");
  const client = startLoadClient();
  try {
    for (const workload of chosen) {
      const heading = `${workload.name}: ${describeWorkload(workload)}`;
      showProgress(heading);
      const comparisons = await compare(workload, client, (text) => {
        showProgress(`${heading}: ${text}`);
      });
      clearProgress();
      console.log(`\n${heading}`);
      console.log(tableOf(comparisons));
    }
  } finally {
    client.stop();
  }
}

function tableOf(comparisons: readonly Comparison[]): string {
  const header = [
    "server",
    "ratio",
    "",
    "us CPU/message",
    "messages/s",
    "server CPU",
    "client CPU",
  ];
  const rows = comparisons.map((row) => [
    row.server,
    row.ratio.median.toFixed(2),
    `(${row.ratio.min.toFixed(2)} - ${row.ratio.max.toFixed(2)})`,
    row.microsecondsPerMessage.toFixed(2),
    Math.round(row.messagesPerSecond).toLocaleString("en"),
    `${Math.round(row.serverBusy * 100)} %`,
    `${Math.round(row.clientBusy * 100)} %`,
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column].length)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
        .join("  "),
    )
    .join("\n");
}

function describeMachine(): string {
  const require = createRequire(import.meta.url);
  const wsVersion = JSON.parse(readFileSync(require.resolve("ws/package.json"), "utf8")).version;
  const cores = cpus();
  return [
    `ws ${wsVersion}, Node ${process.version}, Linux ${release()}`,
    `${cores.length} x ${cores[0].model.trim()}, load ${loadavg()[0].toFixed(2)}`,
  ].join("; ");
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

function clearProgress(): void {
  showProgress("");
}
