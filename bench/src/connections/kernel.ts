import { readFileSync } from "node:fs";

/** The size of a page, in which /proc/net/sockstat counts. It is the same on x64 and most arm64 machines. */
const PAGE_BYTES = 4096;

/** The memory that the kernel uses, for all processes of the machine. */
export interface KernelMemory {
  /** Objects such as sockets and descriptors. */
  readonly slabBytes: number;
  /** Bytes in the buffers of TCP sockets. */
  readonly tcpBufferBytes: number;
}

export function kernelMemory(): KernelMemory {
  const tcp = /^TCP: .* mem (\d+)$/m.exec(readFileSync("/proc/net/sockstat", "latin1"));
  return {
    slabBytes: fieldOf("/proc/meminfo", "Slab"),
    tcpBufferBytes: Number(tcp?.[1] ?? 0) * PAGE_BYTES,
  };
}

/** The memory of processes. */
export interface ProcessMemory {
  /** Each page counts for the share of its processes that these are. */
  readonly pssBytes: number;
  readonly rssBytes: number;
  /** The highest RSS so far, of each process, summed. */
  readonly peakBytes: number;
}

export function processMemory(pids: readonly number[]): ProcessMemory {
  const sum = (file: string, name: string): number =>
    pids.reduce((total, pid) => total + fieldOf(`/proc/${pid}/${file}`, name), 0);
  return {
    pssBytes: sum("smaps_rollup", "Pss"),
    rssBytes: sum("status", "VmRSS"),
    peakBytes: sum("status", "VmHWM"),
  };
}

/** The memory that processes can still use without swapping. */
export function availableBytes(): number {
  return fieldOf("/proc/meminfo", "MemAvailable");
}

/** Reads a field such as `MemAvailable:  1234 kB`. */
function fieldOf(path: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(path, "latin1"));
  return Number(found?.[1] ?? 0) * 1024;
}

/** Counters of the kernel for connections that it refused or delayed. */
export interface TcpCounters {
  /** Handshakes that found the accept queue of a server full. The client sends its SYN again after 1 s. */
  readonly ListenOverflows: number;
  /** All SYNs that were dropped by a listening socket. */
  readonly ListenDrops: number;
  /** SYNs that found the queue of half-open connections full. */
  readonly TCPReqQFullDrop: number;
  readonly SyncookiesSent: number;
  /** Allocations that failed because TCP uses more than `tcp_mem`. */
  readonly TCPAbortOnMemory: number;
  readonly TCPTimeWaitOverflow: number;
}

export type TcpCounter = keyof TcpCounters;

const COUNTERS: readonly TcpCounter[] = [
  "ListenOverflows",
  "ListenDrops",
  "TCPReqQFullDrop",
  "SyncookiesSent",
  "TCPAbortOnMemory",
  "TCPTimeWaitOverflow",
];

export function tcpCounters(): TcpCounters {
  const [names = [], values = []] = readFileSync("/proc/net/netstat", "latin1")
    .split("\n")
    .filter((line) => line.startsWith("TcpExt: "))
    .map((line) => line.split(" "));
  const valueOf = (name: TcpCounter): number => Number(values[names.indexOf(name)] ?? 0);
  return Object.fromEntries(
    COUNTERS.map((name) => [name, valueOf(name)]),
  ) as unknown as TcpCounters;
}

/** Returns the growth of each counter since `before`. */
export function growthOf(before: TcpCounters, after: TcpCounters): TcpCounters {
  const growth = COUNTERS.map((name) => [name, after[name] - before[name]]);
  return Object.fromEntries(growth) as TcpCounters;
}

/** Reads a setting of the kernel. Returns undefined if this kernel does not have it. */
export function sysctl(name: string): readonly number[] | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "latin1").trim().split(/\s+/).map(Number);
  } catch {
    return undefined;
  }
}
