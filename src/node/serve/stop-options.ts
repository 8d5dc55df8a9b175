import { UsageError } from "../../errors/index.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import { checkCount, checkDelay, checkNames, invalidOption } from "../../server/options.ts";
import type { ShutdownPlan } from "../../server/shutdown.ts";
import { checkCloseArguments } from "../../server/socket-arguments.ts";

/** How to stop a server, or the routes of an attachment. */
export interface StopOptions {
  /** The close code that sockets get; default 1001, going away, and 1012, restart, with `drain`. */
  readonly code?: number;
  /** The close reason that sockets get; default none. */
  readonly reason?: string;
  /**
   * Milliseconds until sockets, handlers and requests that have not ended are dropped; default 10,000.
   * With `drain`, set its `deadlineMs` instead.
   */
  readonly timeoutMs?: number;
  /**
   * Closes the sockets in batches, so that clients do not all reconnect at once. `{}` for the defaults
   * of {@link DrainOptions}. Default: closes all sockets at once.
   */
  readonly drain?: DrainOptions;
}

/** How to close sockets in batches. */
export interface DrainOptions {
  /**
   * The number of sockets to close at a time; default 100. The server closes more at a time if it
   * could not start to close all of them within three quarters of `deadlineMs`. The last quarter is for
   * the closing handshakes of the last batch.
   */
  readonly batch?: number;
  /** Milliseconds to wait after each batch, in steps of about 100 ms; default 100. */
  readonly intervalMs?: number;
  /** Milliseconds until all sockets are closed, or dropped; default 10,000. */
  readonly deadlineMs?: number;
}

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION`
 */
export function resolveStopOptions(options: StopOptions = {}): ShutdownPlan {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("stop", "options", options, "{ code, reason, timeoutMs, drain }");
  }
  checkNames("stop", options, ["code", "reason", "timeoutMs", "drain"]);
  const { drain, reason = "" } = options;
  const { code = drain === undefined ? CloseCode.GoingAway : CloseCode.ServiceRestart } = options;
  checkCloseArguments(code, reason);
  checkDelay("stop", "timeoutMs", options.timeoutMs);
  if (drain === undefined) return { code, reason, timeoutMs: options.timeoutMs ?? 10_000 };
  if (options.timeoutMs !== undefined) {
    throw new UsageError("INVALID_OPTION", "stop: with drain, its deadlineMs stands for timeoutMs");
  }
  const { deadlineMs: timeoutMs, ...pace } = readDrainOptions(drain);
  return { code, reason, timeoutMs, pace };
}

function readDrainOptions(options: unknown): Required<DrainOptions> {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("stop", "drain", options, "{ batch, intervalMs, deadlineMs }");
  }
  checkNames("stop: drain", options, ["batch", "intervalMs", "deadlineMs"]);
  const { batch = 100, intervalMs = 100, deadlineMs = 10_000 } = options as DrainOptions;
  checkCount("stop", "drain.batch", batch);
  checkDelay("stop", "drain.intervalMs", intervalMs);
  checkDelay("stop", "drain.deadlineMs", deadlineMs);
  return { batch, intervalMs, deadlineMs };
}
