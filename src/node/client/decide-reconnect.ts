import type { WebSocketCloseEvent } from "../../client/close-event.ts";
import {
  decideReconnect as decideByCloseCode,
  type ReconnectDecision,
} from "../../client/reconnect-policy.ts";
import { UnexpectedStatusError } from "../../protocol/handshake/unexpected-status-error.ts";

/**
 * Decides by the HTTP status of a refused handshake, which browsers hide from pages:
 *
 * - stop at 400, 401, 403, 405, 410 and 426: the server rejects this client or its request, and would
 *   reject it again;
 * - at 429 and 503 with `Retry-After` (seconds or a date): wait for that time, at most five minutes;
 * - retry later at 429 without `Retry-After`: the server asks clients to slow down;
 * - retry at every other status: the server has failed, is overloaded, or lacks the path. This includes
 *   404, because a proxy or server may lack the path for a while during a deployment.
 *
 * Without a status it decides by the close code, as in a browser. It stops at 1000, 1002, 1003, 1007,
 * 1008, 1009, 1010, 3000 and 3003. It retries later at 1013, and retries at all other codes.
 */
export function decideReconnect(
  close: Pick<WebSocketCloseEvent, "code" | "error">,
): ReconnectDecision {
  const { error } = close;
  if (!(error instanceof UnexpectedStatusError)) return decideByCloseCode(close);
  const { status, headers } = error;
  if (status === 429 || status === 503) {
    const waitMs = readRetryAfter(headers.get("retry-after"), Date.now());
    return waitMs ?? (status === 429 ? "retry-later" : "retry");
  }
  return TERMINAL_STATUSES.includes(status) ? "stop" : "retry";
}

const TERMINAL_STATUSES = [400, 401, 403, 405, 410, 426];

/**
 * The longest wait that a server may ask for. Without a limit, a wrong clock could stop a client permanently.
 */
const MAX_RETRY_AFTER_MS = 300_000;

/** The three forms of an HTTP-date (RFC 9110 5.6.7), each in GMT. */
const HTTP_DATE = new RegExp(
  "^(?:" +
    [
      String.raw`[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT`,
      String.raw`[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT`,
      String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}`,
    ].join("|") +
    ")$",
);

/**
 * Reads `Retry-After` (RFC 9110 10.2.3): seconds or an HTTP-date.
 *
 * @returns how long to wait, from 0 to 300,000 ms; undefined for a value that is neither
 */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : parseDate(value) - nowMs;
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

function parseDate(value: string): number {
  if (!HTTP_DATE.test(value)) return Number.NaN;
  // The last form, asctime of the C library, has no time zone.
  return Date.parse(value.endsWith("GMT") ? value : `${value} GMT`);
}
