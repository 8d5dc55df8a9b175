import type { ByteConnectionOptions } from "../../connection/byte-connection-options.ts";
import type { Connection } from "../../connection/connection.ts";
import type { TimerWheel } from "../../connection/timer-wheel.ts";
import { UsageError } from "../../errors/index.ts";
import type { ByteBudget } from "../../protocol/byte-budget.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import type { DeflateCodec } from "../../protocol/deflate/index.ts";
import type { ExtensionOffer } from "../../protocol/handshake/index.ts";
import type { RefusalReporter } from "../reports/refusal-reporter.ts";
import type { UpgradeAttempt } from "../requests/upgrade-attempt.ts";
import type { Params } from "../routes/patterns/route-pattern.ts";
import type { WebSocketEntry } from "../routes/route-entries.ts";
import { HandlerContext } from "../routes/upgrade-contexts.ts";
import type { ErrorListener } from "../socket/error-context.ts";
import { ServerSocket, type SocketEnvironment } from "../socket/server-socket.ts";
import type { SocketGroup } from "../socket/socket-group.ts";
import { SocketPeers } from "./socket-peer.ts";

/** Runs a callback in an asynchronous context, and returns its result. */
export type RunInAsyncContext = <T>(callback: () => T) => T;

export interface RouteConnectionsEnvironment {
  readonly wheel: TimerWheel;
  readonly deflateCodec: DeflateCodec;
  /** Returns a random number from 0 to 1. */
  readonly random: () => number;
  readonly runInAsyncContext: RunInAsyncContext;
  /** Limits the unfinished messages of all connections together. */
  readonly unfinishedBudget: ByteBudget;
  /** Calls back in a later turn of the event loop, after the data sent in this turn has been written. */
  readonly inNextTurn: (callback: () => void) => void;
  readonly report: ErrorListener;
  readonly refusals: RefusalReporter;
  /** The open sockets of the server. */
  readonly sockets: SocketGroup;
}

/**
 * Opens the sockets of one route. There may be many thousands of sockets, so they share as many objects as
 * possible.
 */
export class RouteConnections {
  readonly #entry: WebSocketEntry;
  readonly #environment: RouteConnectionsEnvironment;
  readonly #socketEnvironment: SocketEnvironment;
  readonly #peers = new SocketPeers();
  #latestOptions: ByteConnectionOptions | undefined;
  #hasReportedUnread = false;

  constructor(entry: WebSocketEntry, environment: RouteConnectionsEnvironment) {
    const { report, refusals, sockets, inNextTurn } = environment;
    this.#entry = entry;
    this.#environment = environment;
    this.#socketEnvironment = {
      onFailure: (socket, error) => report(error, { route: entry.key, socket }),
      onRefused: (socket, refusal) => {
        const peer = sockets.peerOf(socket);
        if (peer === undefined) return;
        refusals.report({ what: "connection", route: entry.key, ...refusal }, peer);
      },
      onUnread: (socket) => {
        if (this.#hasReportedUnread) return;
        this.#hasReportedUnread = true;
        report(notRead(entry.key), { route: entry.key, socket });
      },
      onClosed: (socket) => sockets.delete(socket),
      inNextTurn,
    };
  }

  /**
   * Returns the options of a connection, for its subprotocol and the extensions that its client offers.
   * Consecutive connections with equal options share one object.
   */
  optionsFor(protocol: string, offers: readonly ExtensionOffer[]): ByteConnectionOptions {
    const { deflateCodec, unfinishedBudget } = this.#environment;
    const agreed = this.#entry.compression?.accept(offers, deflateCodec.minWindowBits);
    const latest = this.#latestOptions;
    const extensions = agreed?.extensions ?? "";
    if (latest?.protocol === protocol && latest.extensions === extensions) return latest;
    this.#latestOptions = {
      ...this.#entry.limits,
      role: "server",
      protocol,
      extensions,
      deflate: agreed?.agreement,
      unfinishedBudget,
    };
    return this.#latestOptions;
  }

  /** Creates the socket of a new connection, and runs the route's handler. */
  open(
    connection: Connection,
    attempt: UpgradeAttempt,
    params: Params,
    state: unknown,
  ): ServerSocket {
    const entry = this.#entry;
    const { sockets, runInAsyncContext } = this.#environment;
    const socket = new ServerSocket(connection, this.#socketEnvironment, entry.limits);
    sockets.add(socket, this.#peers.of(attempt));
    const { maxLifetimeMs = Infinity } = entry.limits;
    if (maxLifetimeMs < Infinity) this.#limitLifetime(socket, maxLifetimeMs);
    const context = new HandlerContext(attempt, params, connection.protocol, state);
    const run = (): unknown => runInAsyncContext(() => entry.handle(socket, context));
    socket.runHandler(run, sockets.startHandler());
    return socket;
  }

  /** Closes `socket` at a random time in the last fifth of `maxLifetimeMs`. */
  #limitLifetime(socket: ServerSocket, maxLifetimeMs: number): void {
    const { wheel, random } = this.#environment;
    const timer = wheel.start(maxLifetimeMs * (1 - random() / 5), () => {
      socket.close(CloseCode.GoingAway, "maximum lifetime reached");
    });
    void socket.done.then(() => timer.cancel());
  }
}

function notRead(route: string): UsageError {
  return new UsageError(
    "SOCKET_NOT_READ",
    `the handler of the route "${route}" does not read its messages; the queue was full, so the peer's Close was not processed; call socket.listen(() => {}) if the handler only sends`,
  );
}
