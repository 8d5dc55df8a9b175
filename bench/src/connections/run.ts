import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { cpuTime } from "../run/cpu-time.ts";
import {
  growthOf,
  type KernelMemory,
  kernelMemory,
  type ProcessMemory,
  processMemory,
  type TcpCounters,
  tcpCounters,
} from "./kernel.ts";
import { limitLines } from "./limits.ts";
import type { ClientReport, Errors, ServerState } from "./messages.ts";
import type { Plan } from "./plan.ts";
import { Probe } from "./probe.ts";
import { ClientProcess, ServerProcess } from "./processes.ts";

const CHECK_MS = 100;

/** How long idle connections settle before their memory is measured. */
const SETTLE_MS = 1000;

/** The memory of the servers and of the kernel at one time. */
export interface Memory {
  readonly servers: ProcessMemory;
  readonly heapBytes: number;
  readonly kernel: KernelMemory;
}

/** The measurements of a run. */
export interface RunResult {
  readonly connections: number;
  readonly openingMs: number;
  readonly before: Memory;
  readonly idle: Memory;
  readonly back: Return;
}

/** How the clients reconnected after all servers had been killed. */
export interface Return {
  /** From the kill of the servers until all new servers listened. */
  readonly listeningMs: number;
  /** From the kill of the servers until each client had reconnected, in ascending order. */
  readonly returnsMs: readonly number[];
  readonly attempts: readonly number[];
  readonly errors: Errors;
  readonly lostAgain: number;
  /** The connections that the servers count. */
  readonly openAtServers: number;
  /** The delays of echoes on connections that were open before the others, in ascending order. */
  readonly echoDelaysMs: readonly number[];
  /** The longest delay of the event loop of a server. */
  readonly longestDelayMs: number;
  readonly peakBytes: number;
  readonly counters: TcpCounters;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  readonly loadAverage: number;
}

export interface RunOptions {
  /** The program of the processes. Its first argument is their role. */
  readonly program: string;
  readonly timeoutMs: number;
  readonly onProgress: (line: string) => void;
}

/** Opens all connections, measures their memory, kills the servers and waits until all clients have reconnected. */
export async function runConnections(plan: Plan, options: RunOptions): Promise<RunResult> {
  const run = new Run(plan, options);
  try {
    return await run.run();
  } finally {
    await run.stop();
  }
}

class Run {
  readonly #plan: Plan;
  readonly #options: RunOptions;
  #servers: readonly ServerProcess[] = [];
  #clients: readonly ClientProcess[] = [];
  /** The counters of the kernel at the begin of the current phase. */
  #counters = tcpCounters();

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  async run(): Promise<RunResult> {
    const { connections, clients } = this.#plan;
    await this.#startServers();
    const { program } = this.#options;
    this.#clients = await Promise.all(
      clients.map((_, index) => ClientProcess.start(program, index)),
    );
    const before = await this.#memory();
    const openingMs = await this.#open();
    this.#progress(`${connections} connections are open`);
    await delay(SETTLE_MS);
    const idle = await this.#memory();
    const back = await this.#dropAll();
    return { connections, openingMs, before, idle, back };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers, ...this.#clients].map((process) => process.kill()));
  }

  async #startServers(): Promise<void> {
    const { port, addresses } = this.#plan;
    const { program } = this.#options;
    const starting = addresses.map((of) => ServerProcess.start(program, { port, addresses: of }));
    const started = await Promise.allSettled(starting);
    this.#servers = started.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    for (const start of started) if (start.status === "rejected") throw start.reason;
  }

  async #open(): Promise<number> {
    const { port, clients } = this.#plan;
    const addresses = this.#plan.addresses.flat();
    const startMs = performance.now();
    for (const [index, process] of this.#clients.entries()) {
      // Each process begins with another address, so that all servers have the same number of clients.
      const from = index % addresses.length;
      const rotated = [...addresses.slice(from), ...addresses.slice(0, from)];
      process.open({ port, addresses: rotated, connections: clients[index] });
    }
    await this.#until("open", ({ open }) => open);
    return performance.now() - startMs;
  }

  async #dropAll(): Promise<Return> {
    for (const process of this.#clients) process.expectDrop();
    const clientPids = this.#clients.map(({ pid }) => pid);
    this.#counters = tcpCounters();
    const clientCpu = cpuTime(clientPids).seconds;
    const droppedAtMs = Date.now();
    await Promise.all(this.#servers.map((server) => server.kill()));
    this.#progress("all servers are killed, and start again");
    await this.#startServers();
    const listeningMs = Date.now() - droppedAtMs;
    const { addresses, port } = this.#plan;
    const { timeoutMs } = this.#options;
    const probes = await Promise.all(
      addresses.map(([address]) => Probe.open(`ws://${address}:${port}/`, timeoutMs)),
    );
    await this.#until("lost", ({ lost }) => lost);
    await this.#until("reconnected", ({ open }) => open);
    const pids = this.#servers.map(({ pid }) => pid);
    const cpu = {
      serverCpuSeconds: cpuTime(pids).seconds,
      clientCpuSeconds: cpuTime(clientPids).seconds - clientCpu,
      loadAverage: loadavg()[0],
    };
    await Promise.all(probes.map((probe) => probe.stop()));
    const states = await this.#statesWithoutProbes();
    const reports = await Promise.all(this.#clients.map((process) => process.report()));
    return {
      ...merge(reports, droppedAtMs),
      ...cpu,
      listeningMs,
      openAtServers: sumOfOpen(states),
      echoDelaysMs: ascending(probes.flatMap(({ delaysMs }) => delaysMs)),
      longestDelayMs: Math.max(...states.map(({ longestDelayMs }) => longestDelayMs)),
      peakBytes: processMemory(pids).peakBytes,
      counters: growthOf(this.#counters, tcpCounters()),
    };
  }

  /** Waits until the servers have noticed that the connections which measured delays are closed. */
  async #statesWithoutProbes(): Promise<readonly ServerState[]> {
    const startMs = performance.now();
    for (;;) {
      const states = await this.#states();
      const isLate = performance.now() - startMs > this.#options.timeoutMs;
      if (sumOfOpen(states) <= this.#plan.connections || isLate) return states;
      await delay(CHECK_MS);
    }
  }

  #states(): Promise<readonly ServerState[]> {
    return Promise.all(this.#servers.map((server) => server.state()));
  }

  async #memory(): Promise<Memory> {
    const states = await this.#states();
    return {
      servers: processMemory(this.#servers.map(({ pid }) => pid)),
      heapBytes: states.reduce((sum, { heapBytes }) => sum + heapBytes, 0),
      kernel: kernelMemory(),
    };
  }

  /** Waits until a count of all client processes together is the number of connections. */
  async #until(what: string, countOf: (count: ClientProcess["count"]) => number): Promise<void> {
    const { connections } = this.#plan;
    const { timeoutMs } = this.#options;
    const startMs = performance.now();
    let reported = 0;
    for (;;) {
      for (const process of [...this.#servers, ...this.#clients]) process.check();
      const reached = this.#clients.reduce((sum, { count }) => sum + countOf(count), 0);
      if (reached === connections) return;
      const elapsedMs = performance.now() - startMs;
      if (elapsedMs > timeoutMs) {
        throw new Error(
          [
            `only ${reached} of ${connections} connections are ${what} after ${timeoutMs} ms`,
            ...errorLines(
              this.#clients.map(({ count }) => count.errors),
              this.#counters,
            ),
          ].join("\n"),
        );
      }
      if (elapsedMs - reported > 5000) {
        reported = elapsedMs;
        this.#progress(`${reached} of ${connections} connections are ${what}`);
      }
      await delay(CHECK_MS);
    }
  }

  #progress(line: string): void {
    this.#options.onProgress(line);
  }
}

function sumOfOpen(states: readonly ServerState[]): number {
  return states.reduce((sum, { open }) => sum + open, 0);
}

type Merged = Pick<Return, "returnsMs" | "attempts" | "errors" | "lostAgain">;

function merge(reports: readonly ClientReport[], droppedAtMs: number): Merged {
  return {
    returnsMs: ascending(
      reports.flatMap(({ reconnectedAtMs }) => reconnectedAtMs.map((atMs) => atMs - droppedAtMs)),
    ),
    attempts: ascending(reports.flatMap(({ attempts }) => attempts)),
    errors: sumOf(reports.map(({ errors }) => errors)),
    lostAgain: reports.reduce((sum, { lostAgain }) => sum + lostAgain, 0),
  };
}

/** The errors of attempts so far, and the limits of the machine that were met. */
function errorLines(errors: readonly Errors[], before: TcpCounters): readonly string[] {
  const sum = sumOf(errors);
  return [
    ...Object.entries(sum).map(([code, count]) => `${count} attempts failed with ${code}`),
    ...limitLines(sum, growthOf(before, tcpCounters())),
  ];
}

function sumOf(errors: readonly Errors[]): Errors {
  const sum: Record<string, number> = {};
  for (const [code, count] of errors.flatMap((some) => Object.entries(some))) {
    sum[code] = (sum[code] ?? 0) + count;
  }
  return sum;
}

function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((one, other) => one - other);
}
