/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { Server as HttpServer } from "node:http";
import { CloseCode } from "../../protocol/close-code.ts";
import { UsageError } from "../../errors/index.ts";
import { checkCount, checkDelay, checkNames, invalidOption } from "../../server/options.ts";
import { checkCloseArguments } from "../../server/socket-arguments.ts";
import type { Socket } from "../../server/socket.ts";
import type { ShutdownPlan } from "../../server/shutdown.ts";

/** How to take leave of the clients. */
export interface StopOptions {
  /** The close code that sockets get; default 1001, going away, and 1012, restart, with `drain`. */
  readonly code?: number;
  /** The close reason that sockets get; default none. */
  readonly reason?: string;
  /**
   * How long sockets, handlers and requests may take to end before they are dropped; default 10,000.
   * With `drain`, its `deadlineMs` says so.
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

/** The sockets that are open on a server. */
export interface OpenSockets extends Iterable<Socket> {
  readonly size: number;
}

/** Routes that share an HTTP server with others. */
export interface Attachment extends AsyncDisposable {
  readonly sockets: OpenSockets;
  /**
   * Closes all sockets and leaves all requests to the other listeners of the HTTP server, which keeps
   * listening. If it has no other listener, requests get 503 until `stop` resolves.
   *
   * Resolves when the sockets have ended and their handlers have returned, or after `timeoutMs`. A
   * further call can only shorten the time, as with {@link Server}.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /**
   * The base URL, such as `http://localhost:8080`, or `http+unix:/run/app.sock:` on a Unix socket. It
   * has no slash at its end, so that clients of this package can use `${server.url}/path`.
   */
  readonly url: string;
  /** The port; 0 on a Unix socket. */
  readonly port: number;
  /** The path of the Unix socket, as in the option `path`. */
  readonly path: string | undefined;
  /**
   * The underlying server of Node. Its `close` waits for the WebSockets but does not close them: call
   * `stop` instead.
   */
  readonly httpServer: HttpServer;
  readonly sockets: OpenSockets;
  /**
   * Stops listening, closes all sockets, and lets requests and handlers that are at work end; a
   * request that comes all the same is answered with 503, `Retry-After` and `Connection: close`.
   * Resolves when everything has ended, or has been dropped because the time for that is up.
   *
   * Called again, it can only be quicker: the earlier end holds, and a call without `drain` closes
   * at once, with its own code, what a drain has not come to yet. All calls resolve together.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION` */
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
