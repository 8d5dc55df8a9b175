import { cpus, release, totalmem } from "node:os";
import { grouped, limitLines } from "./limits.ts";
import type { Plan } from "./plan.ts";
import type { Memory, Return, RunResult } from "./run.ts";

/** The machine and the plan, as lines. */
export function planLines({ connections, addresses, clients, notes }: Plan): readonly string[] {
  const [cpu] = cpus();
  return [
    `machine: ${cpus().length} x ${cpu?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ` +
      `Linux ${release()}, Node.js ${process.version}`,
    `${grouped(connections)} connections: ${countOf(addresses.length, "server process", "es")}, ` +
      `${countOf(addresses.flat().length, "address", "es")}, ${countOf(clients.length, "client process", "es")}`,
    ...notes.map((note) => `note: ${note}`),
  ];
}

/** The measurements, as lines. */
export function resultLines(result: RunResult): readonly string[] {
  const { connections, openingMs, before, idle, back } = result;
  return [
    `opened in ${seconds(openingMs)}`,
    ...memoryLines(connections, before, idle),
    ...returnLines(connections, back),
    ...limitLines(back.errors, back.counters),
  ];
}

function memoryLines(connections: number, before: Memory, after: Memory): readonly string[] {
  const each = (read: (memory: Memory) => number): string =>
    `${grouped((read(after) - read(before)) / connections)} B`;
  return [
    `memory of a connection: ${each(({ servers }) => servers.pssBytes)} of the server (PSS), ` +
      `${each(({ servers }) => servers.rssBytes)} (RSS), ${each(({ heapBytes }) => heapBytes)} on its heap`,
    `kernel memory of a connection, with both ends: ${each(({ kernel }) => kernel.slabBytes)} in slabs, ` +
      `${each(({ kernel }) => kernel.tcpBufferBytes)} in buffers`,
  ];
}

function returnLines(connections: number, back: Return): readonly string[] {
  const { returnsMs, attempts, echoDelaysMs } = back;
  const total = attempts.reduce((sum, count) => sum + count, 0);
  const errors = Object.entries(back.errors).map(([code, count]) => `${code} ${grouped(count)}`);
  return [
    `after the kill: the servers listened after ${seconds(back.listeningMs)}; half of the clients had reconnected ` +
      `after ${seconds(at(returnsMs, 0.5))}, 99 % after ${seconds(at(returnsMs, 0.99))}, all after ${seconds(at(returnsMs, 1))}`,
    `attempts: ${grouped(total)} for ${grouped(connections)} clients, at most ${at(attempts, 1)} of one client; ` +
      `${grouped(back.lostAgain)} connections were lost again`,
    `errors of attempts: ${errors.length === 0 ? "none" : errors.join(", ")}`,
    `echo on a connection that was open before: median ${milliseconds(at(echoDelaysMs, 0.5))}, ` +
      `99 % below ${milliseconds(at(echoDelaysMs, 0.99))}, longest ${milliseconds(at(echoDelaysMs, 1))}; ` +
      `longest delay of an event loop of a server ${milliseconds(back.longestDelayMs)}`,
    `processor time: ${back.serverCpuSeconds.toFixed(1)} s of the servers, ${back.clientCpuSeconds.toFixed(1)} s of ` +
      `the clients; load average ${back.loadAverage.toFixed(1)}; highest memory of the servers ${megabytes(back.peakBytes)}`,
    `${grouped(back.openAtServers)} connections are open at the servers`,
  ];
}

/** The value below which a share of the ascending values is. */
function at(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN;
}

function countOf(count: number, noun: string, plural: string): string {
  return `${count} ${noun}${count === 1 ? "" : plural}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
