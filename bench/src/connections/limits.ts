import { sysctl, type TcpCounter, type TcpCounters } from "./kernel.ts";
import type { Errors } from "./messages.ts";

/** Names the limits of the machine that the run has met, and how to raise them. */
export function limitLines(errors: Errors, counters: TcpCounters): readonly string[] {
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

export function grouped(count: number): string {
  return Math.round(count).toLocaleString("en");
}
