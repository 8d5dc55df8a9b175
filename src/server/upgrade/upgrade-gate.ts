import { type HttpRefusal, refuse } from "../../protocol/handshake/http-refusal.ts";
import { type HostCheck, WRONG_HOST } from "../requests/host-policy.ts";
import { wrongOrigin } from "../requests/origin-policy.ts";
import type { UpgradeAttempt, UpgradeDecision } from "../requests/upgrade-attempt.ts";
import type { WebSocketEntry } from "../routes/route-entries.ts";
import type { RouteTable } from "../routes/route-table.ts";
import { type Accept, Authorizer, type AuthorizerEnvironment } from "./authorizer.ts";
import { RouteConnections, type RouteConnectionsEnvironment } from "./route-connections.ts";
import { UpgradeReports, type UpgradeReportsEnvironment } from "./upgrade-reports.ts";

export interface UpgradeEnvironment
  extends RouteConnectionsEnvironment, AuthorizerEnvironment, UpgradeReportsEnvironment {
  readonly wheel: AuthorizerEnvironment["wheel"];
  /** The maximum number of open sockets, plus clients that wait for `authorize`. */
  readonly maxConnections: number;
  readonly isHostAllowed: HostCheck;
}

/**
 * Accepts or refuses upgrade attempts. It checks, in this order: host, route, handshake, origin, subprotocol,
 * `maxConnections`, `authorize`.
 */
export class UpgradeGate {
  readonly #routes: RouteTable;
  readonly #environment: UpgradeEnvironment;
  readonly #reports: UpgradeReports;
  readonly #authorizer: Authorizer;
  readonly #connections = new Map<WebSocketEntry, RouteConnections>();

  constructor(routes: RouteTable, environment: UpgradeEnvironment) {
    this.#routes = routes;
    this.#environment = environment;
    this.#reports = new UpgradeReports(environment);
    this.#authorizer = new Authorizer(environment, this.#reports);
  }

  /** Whether a `ws:` route matches this path. */
  hasRoute(pathname: string): boolean {
    return this.#routes.findWebSocket(pathname) !== undefined;
  }

  /** Decides on one attempt. Never throws or rejects. Returns a promise only if `authorize` is async. */
  decide(attempt: UpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    try {
      return this.#check(attempt);
    } catch (error) {
      // The runtime's parser may accept a request that a `Request` cannot represent.
      this.#reports.reportMalformed(error);
      return this.#reports.refuse(MALFORMED, attempt);
    }
  }

  #check(attempt: UpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    const reports = this.#reports;
    if (!this.#environment.isHostAllowed(attempt.host, attempt.isSecure)) {
      return reports.refuse(WRONG_HOST, attempt);
    }
    const match = this.#routes.findWebSocket(attempt.pathname);
    if (match === undefined) return reports.refuse(NOT_FOUND, attempt);
    const { entry, params } = match;
    const offer = attempt.readOffer();
    if (offer.kind === "refuse") return reports.refuse(offer, attempt, entry);
    if (!this.#isOriginAllowed(attempt, entry)) {
      return reports.refuse(wrongOrigin(attempt.origins, reports.isVerbose), attempt, entry);
    }
    const protocol = this.#chooseProtocol(offer.protocols, attempt, entry);
    if (typeof protocol === "object") return protocol;
    if (protocol === undefined) return reports.refuse(WRONG_PROTOCOL, attempt, entry);
    if (!this.#hasRoom()) return reports.refuse(FULL, attempt, entry);
    if (entry.authorize !== undefined) {
      const reason = this.#authorizer.whyFull(attempt.connection);
      if (reason !== undefined) return reports.refuse({ ...BUSY, reason }, attempt, entry);
    }
    const connections = this.#connectionsOf(entry);
    const options = connections.optionsFor(protocol, offer.extensions);
    const accept: Accept = (state, headers) => ({
      kind: "accept",
      ...(headers !== undefined && { headers }),
      connection: options,
      limits: entry.limits,
      open: (connection) => connections.open(connection, attempt, params, state),
    });
    return entry.authorize === undefined
      ? accept(undefined)
      : this.#authorizer.decide(attempt, match, accept);
  }

  #hasRoom(): boolean {
    const { sockets, maxConnections } = this.#environment;
    return sockets.size + this.#authorizer.waitingClients < maxConnections;
  }

  #chooseProtocol(
    offered: readonly string[],
    attempt: UpgradeAttempt,
    entry: WebSocketEntry,
  ): string | undefined | HttpRefusal {
    try {
      return this.#environment.runInAsyncContext(() => entry.chooseProtocol(offered, attempt));
    } catch (error) {
      this.#reports.reportFailure(error, attempt, entry);
      return this.#reports.refuse(FAILED, attempt, entry);
    }
  }

  #isOriginAllowed(attempt: UpgradeAttempt, entry: WebSocketEntry): boolean {
    try {
      return this.#environment.runInAsyncContext(() => entry.isOriginAllowed(attempt));
    } catch (error) {
      this.#reports.reportFailure(error, attempt, entry);
      return false;
    }
  }

  #connectionsOf(entry: WebSocketEntry): RouteConnections {
    let connections = this.#connections.get(entry);
    if (connections === undefined) {
      connections = new RouteConnections(entry, this.#environment);
      this.#connections.set(entry, connections);
    }
    return connections;
  }
}

/**
 * The header of responses that refuse a client because a limit is reached. The client may retry after ten
 * seconds.
 */
const RETRY = { "Retry-After": "10" };

const MALFORMED = refuse(400, "The request is malformed.");
const NOT_FOUND = refuse(404, "No WebSocket route matches this path.", { option: "routes" });
const WRONG_PROTOCOL = refuse(400, "The server supports none of the offered subprotocols.", {
  option: "protocols",
});
const FULL = refuse(503, "The server has too many connections.", {
  option: "maxConnections",
  headers: RETRY,
});
const BUSY = refuse(503, "The server is too busy.", {
  option: "maxPendingAuthorize",
  headers: RETRY,
});
const FAILED = refuse(500, "The server failed.");
