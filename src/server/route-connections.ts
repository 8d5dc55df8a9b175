import type { ByteConnectionOptions } from "../connection/byte-connection-options.ts";
import { UsageError } from "../errors/index.ts";
import type { ByteBudget } from "../protocol/index.ts";
import type { AgreedCompression } from "./route-compression.ts";
import type { RefusalReporter } from "./refusals.ts";
import type { ErrorListener } from "./report.ts";
import type { WebSocketEntry } from "./route-table.ts";
import type { SocketGroup } from "./socket-group.ts";
import type { SocketEnvironment } from "./server-socket.ts";

export interface RouteConnectionsEnvironment {
  /** What the unfinished messages of all connections may hold. */
  readonly unfinishedBudget: ByteBudget;
  /** Calls back in a turn of its own, after what is sent in this one has been written. */
  readonly inNextTurn: (callback: () => void) => void;
  readonly report: ErrorListener;
  readonly refusals: RefusalReporter;
  /** Where the sockets go while they are open. */
  readonly sockets: SocketGroup;
}

/** What the connections of a route have in common: what is made for each counts by the thousand. */
export class RouteConnections {
  readonly socketEnvironment: SocketEnvironment;
  readonly #entry: WebSocketEntry;
  readonly #unfinishedBudget: ByteBudget;
  #latest: ByteConnectionOptions | undefined;
  #hasReportedUnread = false;

  constructor(entry: WebSocketEntry, environment: RouteConnectionsEnvironment) {
    const { report, refusals, sockets, inNextTurn, unfinishedBudget } = environment;
    this.#entry = entry;
    this.#unfinishedBudget = unfinishedBudget;
    this.socketEnvironment = {
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

  /** What to open a connection with; the same object for those who follow with the same. */
  optionsFor(protocol: string, agreed: AgreedCompression | undefined): ByteConnectionOptions {
    const latest = this.#latest;
    const extensions = agreed?.extensions ?? "";
    if (latest?.protocol === protocol && latest.extensions === extensions) return latest;
    this.#latest = {
      ...this.#entry.limits,
      role: "server",
      protocol,
      extensions,
      deflate: agreed?.agreement,
      unfinishedBudget: this.#unfinishedBudget,
    };
    return this.#latest;
  }
}

function notRead(route: string): UsageError {
  return new UsageError(
    "SOCKET_NOT_READ",
    `nothing reads the sockets of the route "${route}", so their queue is full and the server does not process the peer's Close; call socket.listen(() => {}) in a handler that only sends`,
  );
}
