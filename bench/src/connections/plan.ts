import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableBytes, sysctl } from "./kernel.ts";

/** The memory that one connection needs: the server, the client, and both sockets in the kernel. */
const BYTES_PER_CONNECTION = 40_000;

/** The part of the available memory that a run may use. */
const MEMORY_SHARE = 0.8;

/** Descriptors of a process that are not connections, with room for connections that are closing. */
const OTHER_DESCRIPTORS = 1000;

/** Connections to one address. Each needs a port of the client, and the lost ones keep theirs for a while. */
const PORT_SHARE = 0.75;

/** How a run uses the machine. */
export interface Plan {
  readonly connections: number;
  /** The addresses of each server process. All servers use the same port. */
  readonly addresses: readonly (readonly string[])[];
  /** The connections of each client process. */
  readonly clients: readonly number[];
  readonly port: number;
  /** The limits that shaped the plan, as sentences. */
  readonly notes: readonly string[];
}

export interface PlanOptions {
  /** The number of connections, or `max` for as many as the memory allows. */
  readonly connections: number | "max";
  /** The minimum number of processes. */
  readonly processes: number;
}

/** Plans a run. @throws Error if the machine has no room for it, with the limit and how to raise it */
export async function planRun({ connections: asked, processes }: PlanOptions): Promise<Plan> {
  const room = Math.floor((availableBytes() * MEMORY_SHARE) / BYTES_PER_CONNECTION);
  const connections = asked === "max" ? room : asked;
  if (connections > room) {
    throw new Error(
      `${connections} connections need about ${gigabytes(connections * BYTES_PER_CONNECTION)} GB, ` +
        `and ${gigabytes(availableBytes())} GB of memory are available; pass at most ${room}`,
    );
  }
  const notes: string[] = [];
  const limit = raiseDescriptors(connections + OTHER_DESCRIPTORS, notes);
  const perProcess = limit - OTHER_DESCRIPTORS;
  if (perProcess < 1)
    throw new Error(`the limit of ${limit} open files is too low; ${HOW_TO_RAISE}`);
  const servers = Math.max(processes, Math.ceil(connections / perProcess));
  // The clients need as much processor time as the servers, so a second process is worth its memory.
  const clients = Math.max(servers, Math.ceil(connections / portsPerAddress()));
  return {
    connections,
    addresses: addressesOf(servers, Math.ceil(connections / portsPerAddress())),
    clients: Array.from({ length: clients }, (_, index) => shareOf(connections, index, clients)),
    port: await freePort(),
    notes,
  };
}

const HOW_TO_RAISE =
  "raise it as root with `ulimit -Hn 1048576`, LimitNOFILE= of systemd or --ulimit of Docker";

/** Raises the limit of open files for this process and its children. Returns the limit. */
function raiseDescriptors(wanted: number, notes: string[]): number {
  const before = descriptorLimit();
  if (before >= wanted) return before;
  try {
    execFileSync("prlimit", [`--nofile=${wanted}:${wanted}`, "--pid", `${process.pid}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return descriptorLimit();
  } catch (error) {
    const reason =
      (error as { stderr?: Buffer }).stderr?.toString().trim() ?? (error as Error).message;
    notes.push(
      `a process may open ${before} files, so the connections are spread over several server processes ` +
        `with one port (${reason}); to use one process, ${HOW_TO_RAISE}`,
    );
    return before;
  }
}

/** The limit for new processes. Node.js raises its own soft limit to the hard limit. */
function descriptorLimit(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
  return line?.[1] === "unlimited" ? Infinity : Number(line?.[1]);
}

/** The ports from which clients connect. */
function portRange(): readonly [low: number, high: number] {
  const [low = 32_768, high = 60_999] = sysctl("net/ipv4/ip_local_port_range") ?? [];
  return [low, high];
}

function portsPerAddress(): number {
  const [low, high] = portRange();
  return Math.floor((high - low) * PORT_SHARE);
}

/** The loopback addresses of each server. Each server has at least one, and all together at least `least`. */
function addressesOf(servers: number, least: number): readonly (readonly string[])[] {
  const perServer = Math.ceil(least / servers);
  return Array.from({ length: servers }, (_, server) =>
    Array.from({ length: perServer }, (__, index) => address(server * perServer + index)),
  );
}

/** 127.0.1.1, 127.0.1.2 and so on. */
function address(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

function shareOf(total: number, index: number, parts: number): number {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}

/** A free port below the range of client ports, because a client could take another one during the restart. */
async function freePort(): Promise<number> {
  const [low] = portRange();
  for (let tries = 0; tries < 100; tries++) {
    const port = Math.floor(low / 2 + (Math.random() * low) / 2);
    if (await isFree(port)) return port;
  }
  throw new Error(`there is no free port below ${low}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
