import type { Server as HttpServer } from "node:http";
import { CloseCode } from "../../protocol/index.ts";
import { checkPositive } from "../../server/options.ts";
import { checkCloseArguments } from "../../server/send-data.ts";
import type { Socket } from "../../server/socket.ts";

/** How to take leave of the clients. */
export interface StopOptions {
  /** The close code that sockets get; default 1001, going away. */
  readonly code?: number;
  /** The close reason that sockets get; default none. */
  readonly reason?: string;
  /** How long sockets and requests may take to end before they are dropped; default 10,000. */
  readonly timeoutMs?: number;
}

/** The sockets that are open on a server. */
export interface OpenSockets extends Iterable<Socket> {
  readonly size: number;
}

/** Routes that share an HTTP server with others. */
export interface Attachment extends AsyncDisposable {
  readonly sockets: OpenSockets;
  /**
   * Gives the HTTP server, which goes on, back to its other listeners, and closes all sockets.
   * Resolves when they are gone, which takes at most about `timeoutMs`.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Such as `http://localhost:8080`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** The server below, for what this interface lacks. */
  readonly httpServer: HttpServer;
  readonly sockets: OpenSockets;
  /**
   * Stops listening, closes all sockets, and lets requests that are being served end. Resolves when
   * everything is gone, which takes at most about `timeoutMs`. To be called once.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}

export type ResolvedStopOptions = Required<StopOptions>;

/** @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION` */
export function resolveStopOptions(options: StopOptions = {}): ResolvedStopOptions {
  const { code = CloseCode.GoingAway, reason = "", timeoutMs = 10_000 } = options;
  checkCloseArguments(code, reason);
  checkPositive("stop", "timeoutMs", timeoutMs);
  return { code, reason, timeoutMs };
}
