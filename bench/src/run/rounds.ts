import type { Load } from "../load/loads.ts";
import type { TrafficRound } from "../load/protocol.ts";

/** The measurements of one round. */
export type Round = TrafficRound | MemoryRound;

/** The memory per connection in one round. */
export interface MemoryRound {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** The figure of a load that is compared. */
export interface Scale {
  readonly title: string;
  readonly better: "more" | "less";
  /** Whether ratios make sense. They do not if the figures are close to zero. */
  readonly hasRatio: boolean;
  valueOf(round: Round): number;
}

export function isMemoryRound(round: Round): round is MemoryRound {
  return "rssBytes" in round;
}

/** The scale of a load. Uses processor time, because other processes on the machine affect it less. */
export function scaleOf({ kind }: Load): Scale {
  if (kind === "idle") return BYTES_PER_CONNECTION;
  if (kind === "unread" || kind === "client-unread") return BYTES_GROWN;
  return kind === "fixed-rate" ? CPU_PER_MESSAGE : MESSAGES_PER_CPU_SECOND;
}

const MESSAGES_PER_CPU_SECOND: Scale = {
  title: "messages per second of CPU time",
  better: "more",
  hasRatio: true,
  valueOf: (round) => 1 / cpuPerMessage(round),
};

const CPU_PER_MESSAGE: Scale = {
  title: "CPU time for the same messages",
  better: "less",
  hasRatio: true,
  valueOf: cpuPerMessage,
};

const BYTES_PER_CONNECTION: Scale = {
  title: "bytes of memory per connection",
  better: "less",
  hasRatio: true,
  valueOf: rssBytes,
};

const BYTES_GROWN: Scale = {
  ...BYTES_PER_CONNECTION,
  title: "growth of the process in bytes",
  hasRatio: false,
};

function cpuPerMessage(round: Round): number {
  return isMemoryRound(round) ? NaN : round.subjectCpuSeconds / round.messages;
}

function rssBytes(round: Round): number {
  return isMemoryRound(round) ? round.rssBytes : NaN;
}
