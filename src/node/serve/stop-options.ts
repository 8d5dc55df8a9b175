import { checkCount, checkDelay, checkNames, invalidOption } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import type { ShutdownPlan } from "../../server/socket/shutdown.ts";
import { checkCloseArguments } from "../../server/socket/socket-arguments.ts";

/** Options of `server.stop` and `attachment.stop`. */
export interface StopOptions {
  /**
   * The close code that the sockets are closed with (RFC 6455 7.4). Default: 1001 (going away), or 1012
   * (service restart) with `drain`.
   */
  readonly code?: number;
  /** The close reason that the sockets are closed with, at most 123 bytes of UTF-8. Default: empty. */
  readonly reason?: string;
  /**
   * The time in milliseconds after which the server drops the remaining sockets, handlers and requests. With
   * `drain`, set its `deadlineMs` instead. Default: 10,000.
   */
  readonly timeoutMs?: number;
  /**
   * Closes the sockets in batches, so that clients do not all reconnect at once. Pass `{}` for the defaults
   * of {@link DrainOptions}. Default: closes all sockets at once.
   */
  readonly drain?: DrainOptions;
}

/** How large the batches are in which `stop` closes sockets, and how fast they follow each other. */
export interface DrainOptions {
  /**
   * The number of sockets in a batch. The server uses larger batches if it would otherwise need more than
   * three quarters of `deadlineMs`. The last quarter is for the closing handshakes of the last batch.
   * Default: 100.
   */
  readonly batch?: number;
  /** The time between two batches in milliseconds, with a resolution of about 100 ms. Default: 100. */
  readonly intervalMs?: number;
  /** The time in milliseconds after which the server drops the remaining sockets. Default: 10,000. */
  readonly deadlineMs?: number;
}

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION`
 */
export function resolveStopOptions(options: StopOptions = {}): ShutdownPlan {
  if (typeof options !== "object" || options === null) {
    throw invalidOption(
      "stop",
      "options",
      options,
      "an object such as { code, reason, timeoutMs, drain }",
    );
  }
  checkNames("stop", options, ["code", "reason", "timeoutMs", "drain"]);
  const { drain, reason = "" } = options;
  const { code = drain === undefined ? CloseCode.GoingAway : CloseCode.ServiceRestart } = options;
  checkCloseArguments(code, reason);
  checkDelay("stop", "timeoutMs", options.timeoutMs);
  if (drain === undefined) return { code, reason, timeoutMs: options.timeoutMs ?? 10_000 };
  if (options.timeoutMs !== undefined) {
    throw new UsageError(
      "INVALID_OPTION",
      "stop: timeoutMs has no effect with drain; pass drain: { deadlineMs } instead",
    );
  }
  const { deadlineMs: timeoutMs, ...pace } = readDrainOptions(drain);
  return { code, reason, timeoutMs, pace };
}

function readDrainOptions(options: unknown): Required<DrainOptions> {
  if (typeof options !== "object" || options === null) {
    throw invalidOption(
      "stop",
      "drain",
      options,
      "an object such as { batch, intervalMs, deadlineMs }",
    );
  }
  checkNames("stop", options, ["batch", "intervalMs", "deadlineMs"], { of: "drain" });
  const { batch = 100, intervalMs = 100, deadlineMs = 10_000 } = options as DrainOptions;
  checkCount("stop", "drain.batch", batch);
  checkDelay("stop", "drain.intervalMs", intervalMs);
  checkDelay("stop", "drain.deadlineMs", deadlineMs);
  return { batch, intervalMs, deadlineMs };
}
