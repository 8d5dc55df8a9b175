import { cpus, release, totalmem } from "node:os";
import { sysctl, type TcpCounter } from "./kernel.ts";
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
    ...limitLines(back),
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

/** Names the limits of the machine that the run has met, and how to raise them. */
function limitLines({ errors, counters }: Return): readonly string[] {
  const met = ERROR_ADVICE.filter(([code]) =>
    Object.keys(errors).some((key) => key.includes(code)),
  );
  const counted = Object.entries(counters).filter(([, count]) => count > 0) as [
    TcpCounter,
    number,
  ][];
  return [
    ...met.map(([code, advice]) => `limit met: ${code}: ${advice}`),
    ...counted.map(
      ([name, count]) => `counter ${name} +${grouped(count)}: ${COUNTER_ADVICE[name]()}`,
    ),
    ...conntrackLine(),
  ];
}

/** The meaning of an error of a connection attempt, and what to do. */
const ERROR_ADVICE: readonly (readonly [code: string, advice: string])[] = [
  ["EMFILE", "a process has no free descriptors; raise `ulimit -n`"],
  ["ENFILE", "the machine has no free descriptors; raise fs.file-max"],
  [
    "EADDRNOTAVAIL",
    "no free ports to connect from; widen net.ipv4.ip_local_port_range, or use more addresses",
  ],
  ["EADDRINUSE", "no free ports to connect from; widen net.ipv4.ip_local_port_range"],
  ["ENOBUFS", "the kernel has no memory for sockets; raise net.ipv4.tcp_mem"],
  ["ENOMEM", "the kernel has no memory for sockets; raise net.ipv4.tcp_mem"],
  ["ETIMEDOUT", "the kernel of the server did not answer; see ListenOverflows"],
  ["HANDSHAKE_TIMEOUT", "the server did not answer within handshakeTimeoutMs"],
];

const COUNTER_ADVICE: Readonly<Record<TcpCounter, () => string>> = {
  ListenOverflows: () =>
    `the accept queue of a server was full, so clients sent their SYN again after 1 s, 2 s and so on; ` +
    `the kernel limits a queue to net.core.somaxconn, here ${sysctl("net/core/somaxconn")?.join(" ")}`,
  ListenDrops: () => "all connections that listening sockets dropped, including the overflows",
  TCPReqQFullDrop: () =>
    `too many half-open connections; raise net.ipv4.tcp_max_syn_backlog, here ${sysctl("net/ipv4/tcp_max_syn_backlog")?.join(" ")}`,
  SyncookiesSent: () => "too many half-open connections; raise net.ipv4.tcp_max_syn_backlog",
  TCPAbortOnMemory: () =>
    `TCP used all its memory; raise net.ipv4.tcp_mem, here ${sysctl("net/ipv4/tcp_mem")?.join(" ")} pages`,
  TCPTimeWaitOverflow: () =>
    "more connections in TIME-WAIT than net.ipv4.tcp_max_tw_buckets, which is harmless",
};

function conntrackLine(): readonly string[] {
  const [count] = sysctl("net/netfilter/nf_conntrack_count") ?? [];
  const [max] = sysctl("net/netfilter/nf_conntrack_max") ?? [];
  if (count === undefined || max === undefined || count < max * 0.95) return [];
  return [
    `limit met: the firewall tracks ${grouped(count)} of at most ${grouped(max)} connections; ` +
      "raise net.netfilter.nf_conntrack_max",
  ];
}

/** The value below which a share of the ascending values is. */
function at(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN;
}

function countOf(count: number, noun: string, plural: string): string {
  return `${count} ${noun}${count === 1 ? "" : plural}`;
}

function grouped(count: number): string {
  return Math.round(count).toLocaleString("en");
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
