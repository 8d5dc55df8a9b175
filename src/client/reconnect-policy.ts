import { UsageError } from "../errors/index.ts";
import type { WebSocketCloseEvent } from "./close-event.ts";

/**
 * What to do when a connection has closed. `"retry-later"` waits for at least half of `maxDelayMs`. A number
 * waits for at least that many milliseconds.
 */
export type ReconnectDecision = "stop" | "retry" | "retry-later" | number;

/**
 * Decides by the close code alone:
 *
 * - stop at 1000: the server closed the connection normally;
 * - stop at 1002, 1003, 1007, 1008, 1009 and 1010, 3000 (unauthorized) and 3003 (forbidden): the server
 *   rejects this client or its messages, and would do so again;
 * - retry later at 1013: the server asks clients to try again later;
 * - retry at all others: a lost connection (1006); a server that goes away, restarts or fails (1001, 1011,
 *   1012, 1014); and codes that only the application can interpret, including 1005.
 */
export function decideReconnect({ code }: Pick<WebSocketCloseEvent, "code">): ReconnectDecision {
  if (code === 1013) return "retry-later";
  const isFinal = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003].includes(code);
  return isFinal ? "stop" : "retry";
}

/** How long to wait before a new attempt. */
export interface ReconnectDelays {
  /** The maximum delay before the first attempt. It doubles with each attempt. */
  readonly initialDelayMs: number;
  /** The delay doubles up to this maximum. */
  readonly maxDelayMs: number;
  /** Returns a number from 0 to 1. */
  readonly random: () => number;
}

/**
 * Returns a random delay up to the current maximum, so that the clients of a server that was down do not all
 * reconnect at once.
 */
export function reconnectDelayMs(
  { initialDelayMs, maxDelayMs, random }: ReconnectDelays,
  attempts: number,
  isLater: boolean | undefined,
): number {
  if (isLater) return (maxDelayMs * (1 + random())) / 2;
  return Math.min(maxDelayMs, initialDelayMs * 2 ** attempts) * random();
}

/** Whether a timer can wait for `delayMs`. It fires at once for a longer delay. */
export function isDelay(delayMs: unknown): boolean {
  return typeof delayMs === "number" && delayMs >= 0 && delayMs < 2 ** 31;
}

/** @throws UsageError `INVALID_DECISION` unless `decision` is a `ReconnectDecision` */
export function checkDecision(decision: ReconnectDecision): ReconnectDecision {
  if (!["stop", "retry", "retry-later"].includes(decision as string) && !isDelay(decision))
    throw new UsageError("INVALID_DECISION", `decide returned ${decision}`);
  return decision;
}
