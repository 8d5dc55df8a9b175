import type { Connection } from "../connection/connection.ts";
import type { TimerWheel } from "../connection/timer-wheel.ts";
import { HandshakeError, UsageError } from "../errors/index.ts";
import type { DeflateCodec } from "../protocol/deflate/index.ts";
import { type HttpRefusal, refuse } from "../protocol/handshake/http-refusal.ts";
import { CloseCode } from "../protocol/index.ts";
import { readAuthorization } from "./authorization.ts";
import { AuthorizeCall, HandlerContext } from "./upgrade-contexts.ts";
import { type HostCheck, WRONG_HOST } from "./host-policy.ts";
import { cancelBody } from "./http-answer.ts";
import { MinuteLimit } from "./minute-limit.ts";
import { PendingAuthorize } from "./pending-authorize.ts";
import { quoteStart } from "./refusals.ts";
import { RouteConnections, type RouteConnectionsEnvironment } from "./route-connections.ts";
import type { RouteMatch, RouteTable, WebSocketEntry } from "./route-table.ts";
import { SocketPeers } from "./socket-peer.ts";
import { ServerSocket } from "./server-socket.ts";
import type { UpgradeAccepted, UpgradeAttempt, UpgradeDecision } from "./upgrade.ts";
import { isInstance, isOwnResponse, isThenable } from "./values.ts";

/** What deciding on upgrades takes, besides the routes. */
export interface UpgradeEnvironment extends RouteConnectionsEnvironment {
  readonly wheel: TimerWheel;
  readonly deflateCodec: DeflateCodec;
  /** From 0 to 1. */
  readonly random: () => number;
  /** How long `authorize` may take. */
  readonly handshakeTimeoutMs: number;
  /** How many sockets may be open or being decided on. */
  readonly maxConnections: number;
  /** How many calls of `authorize` may be pending. */
  readonly maxPendingAuthorize: number;
  readonly isHostAllowed: HostCheck;
  readonly runInAsyncContext: RunInAsyncContext;
}

/** Runs a callback in an asynchronous context, and returns what it returns. */
export type RunInAsyncContext = <T>(callback: () => T) => T;

type Match = RouteMatch<WebSocketEntry>;

/** How long a client that has found no room is to stay away. */
const RETRY_AFTER_S = 10;

/**
 * Decides who gets a WebSocket: host, route, handshake, origin, subprotocol, room, `authorize`, in
 * this order.
 */
export class UpgradeGate {
  readonly #routes: RouteTable;
  readonly #environment: UpgradeEnvironment;
  readonly #connections = new Map<WebSocketEntry, RouteConnections>();
  /** Limits the reports of usage errors, by route. */
  readonly #usageErrors: MinuteLimit;
  readonly #pending: PendingAuthorize;
  readonly #peers = new SocketPeers();

  constructor(routes: RouteTable, environment: UpgradeEnvironment) {
    this.#routes = routes;
    this.#environment = environment;
    this.#usageErrors = new MinuteLimit(() => environment.wheel.nowMs);
    this.#pending = new PendingAuthorize(environment.maxPendingAuthorize);
  }

  /** Whether some `ws:` route is for this path. */
  hasRoute(pathname: string): boolean {
    return this.#routes.findWebSocket(pathname) !== undefined;
  }

  /** Never throws or rejects. At once unless `authorize` is asynchronous. */
  decide(attempt: UpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    try {
      return this.#judge(attempt);
    } catch (error) {
      // What a lenient parser of the runtime has let through can make no Request.
      this.#environment.report(error, {});
      return this.#refuse(MALFORMED, attempt);
    }
  }

  #reportAnswer(
    { status }: Response,
    attempt: UpgradeAttempt,
    { key: route }: WebSocketEntry,
  ): void {
    // The server has sent another response already, or the client has left.
    if (attempt.isAborted) return;
    const reason = "authorize returned a Response.";
    const details = { what: "handshake", by: "application", status, reason, route } as const;
    this.#environment.refusals.report({ ...details, option: "authorize" }, attempt);
  }

  /** Reports a refusal, and returns it. */
  #refuse(refusal: HttpRefusal, attempt: UpgradeAttempt, entry?: WebSocketEntry): HttpRefusal {
    this.#environment.refusals.reportResponse("handshake", refusal, attempt, entry?.key);
    return refusal;
  }

  #judge(attempt: UpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    if (!this.#environment.isHostAllowed(attempt.host, attempt.isSecure)) {
      return this.#refuse(WRONG_HOST, attempt);
    }
    const match = this.#routes.findWebSocket(attempt.pathname);
    if (match === undefined) return this.#refuse(NOT_FOUND, attempt);
    const offer = attempt.readOffer();
    if (offer.kind === "refuse") return this.#refuse(offer, attempt, match.entry);
    if (!this.#isOriginAllowed(attempt, match.entry)) {
      const refusal = wrongOrigin(attempt.origins, this.#environment.refusals.isVerbose);
      return this.#refuse(refusal, attempt, match.entry);
    }
    const protocol = this.#chooseProtocol(offer.protocols, attempt, match.entry);
    if (typeof protocol === "object") return protocol;
    if (protocol === undefined) return this.#refuse(WRONG_PROTOCOL, attempt, match.entry);
    if (!this.#hasRoom()) return this.#refuse(FULL, attempt, match.entry);
    if (match.entry.authorize !== undefined) {
      const reason = this.#pending.whyFull(attempt.connection);
      if (reason !== undefined) return this.#refuse({ ...BUSY, reason }, attempt, match.entry);
    }
    const { minWindowBits } = this.#environment.deflateCodec;
    const agreed = match.entry.compression?.accept(offer.extensions, minWindowBits);
    const connections = this.#connectionsOf(match.entry);
    const accept = (state: unknown, headers?: UpgradeAccepted["headers"]): UpgradeDecision => ({
      kind: "accept",
      ...(headers !== undefined && { headers }),
      connection: connections.optionsFor(protocol, agreed),
      open: (connection) => this.#open(connection, attempt, match, state),
    });
    return match.entry.authorize === undefined
      ? accept(undefined)
      : this.#authorize(attempt, match, accept);
  }

  #hasRoom(): boolean {
    const { sockets, maxConnections } = this.#environment;
    return sockets.size + this.#pending.clients < maxConnections;
  }

  #chooseProtocol(
    offered: readonly string[],
    attempt: UpgradeAttempt,
    entry: WebSocketEntry,
  ): string | undefined | HttpRefusal {
    try {
      return this.#environment.runInAsyncContext(() => entry.chooseProtocol(offered, attempt));
    } catch (error) {
      this.#reportFailure(error, attempt, entry);
      return this.#refuse(FAILED, attempt, entry);
    }
  }

  #isOriginAllowed(attempt: UpgradeAttempt, entry: WebSocketEntry): boolean {
    try {
      return this.#environment.runInAsyncContext(() => entry.isOriginAllowed(attempt));
    } catch (error) {
      this.#reportFailure(error, attempt, entry);
      return false;
    }
  }

  #authorize(
    attempt: UpgradeAttempt,
    { entry, params }: Match,
    accept: (state: unknown, headers?: UpgradeAccepted["headers"]) => UpgradeDecision,
  ): UpgradeDecision | Promise<UpgradeDecision> {
    const call = new AuthorizeCall(attempt, params);
    const decide = (result: unknown): UpgradeDecision => {
      const verdict = readAuthorization(result, entry.key);
      if (verdict.kind === "fail") return fail(verdict.error);
      if (verdict.kind === "accept") return accept(verdict.state, call.takeFields());
      const { response } = verdict;
      this.#reportAnswer(response, attempt, entry);
      return {
        kind: "answer",
        response,
        onFailure: (error) => this.#report(error, attempt, entry),
      };
    };
    const fail = (error: unknown): UpgradeDecision => {
      const refusal = isInstance(error, AuthorizeTimeout) ? TOO_SLOW : FAILED;
      // Whatever fails after the peer has gone is of no interest.
      if (attempt.isAborted) return refusal;
      this.#reportFailure(error, attempt, entry);
      return this.#refuse(refusal, attempt, entry);
    };
    try {
      const result = this.#environment.runInAsyncContext(() =>
        entry.authorize!(attempt.request, call),
      );
      if (!isThenable(result)) return decide(result);
      return this.#inTime(attempt, Promise.resolve(result)).then(decide).catch(fail);
    } catch (error) {
      return fail(error);
    }
  }

  #inTime<T>(attempt: UpgradeAttempt, promise: Promise<T>): Promise<T> {
    const { wheel, handshakeTimeoutMs } = this.#environment;
    const end = this.#pending.start(attempt);
    return new Promise<T>((resolve, reject) => {
      const timer = wheel.start(handshakeTimeoutMs, () => {
        reject(new AuthorizeTimeout(handshakeTimeoutMs));
        promise.then(discardResponse, () => {});
      });
      void promise.then(resolve, reject).finally(() => timer.cancel());
    }).finally(end);
  }

  #open(
    connection: Connection,
    attempt: UpgradeAttempt,
    match: Match,
    state: unknown,
  ): ServerSocket {
    const { entry, params } = match;
    const { sockets } = this.#environment;
    const socket = new ServerSocket(
      connection,
      this.#connectionsOf(entry).socketEnvironment,
      entry.limits,
    );
    sockets.add(socket, this.#peers.of(attempt));
    const { maxLifetimeMs = Infinity } = entry.limits;
    if (maxLifetimeMs < Infinity) this.#limitLifetime(socket, maxLifetimeMs);
    const context = new HandlerContext(attempt, params, connection.protocol, state);
    const run = (): unknown =>
      this.#environment.runInAsyncContext(() => entry.handle(socket, context));
    socket.runHandler(run, sockets.startHandler());
    return socket;
  }

  /** Closes `socket` in its last fifth of `maxLifetimeMs`. */
  #limitLifetime(socket: ServerSocket, maxLifetimeMs: number): void {
    const { wheel, random } = this.#environment;
    const timer = wheel.start(maxLifetimeMs * (1 - random() / 5), () => {
      socket.close(CloseCode.GoingAway, "the connection has lasted long enough");
    });
    void socket.done.then(() => timer.cancel());
  }

  #connectionsOf(entry: WebSocketEntry): RouteConnections {
    let connections = this.#connections.get(entry);
    if (connections === undefined) {
      connections = new RouteConnections(entry, this.#environment);
      this.#connections.set(entry, connections);
    }
    return connections;
  }

  /** Reports usage errors once per route and minute, because clients can cause any number of them. */
  #reportFailure(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): void {
    if (isInstance(error, UsageError) && !this.#usageErrors.take(entry)) return;
    this.#report(error, attempt, entry);
  }

  #report(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): void {
    this.#environment.report(error, { route: entry.key, request: attempt.request });
  }
}

/** What `authorize` gave too late may hold a body. */
function discardResponse(result: unknown): void {
  try {
    if (isOwnResponse(result)) cancelBody(result);
  } catch {
    // An object of the application may throw when it is read.
  }
}

class AuthorizeTimeout extends HandshakeError {
  constructor(timeoutMs: number) {
    super("AUTHORIZE_TIMEOUT", `authorize took longer than handshakeTimeoutMs ${timeoutMs}`);
  }
}

const MALFORMED = refuse(400, "The request is malformed.");
const RETRY = { "Retry-After": String(RETRY_AFTER_S) };
const NOT_FOUND = refuse(404, "No WebSocket route matches this path.", { option: "routes" });
const WRONG_PROTOCOL = refuse(400, "The server supports none of the offered subprotocols.", {
  option: "protocols",
});
const FULL = refuse(503, "The server is full.", { option: "maxConnections", headers: RETRY });
const BUSY = refuse(503, "The server is too busy.", {
  option: "maxPendingAuthorize",
  headers: RETRY,
});
const TOO_SLOW = refuse(503, "The server is too busy.", { option: "handshakeTimeoutMs" });
const FAILED = refuse(500, "The server failed.");

/** The body quotes the client. `nosniff` makes browsers treat it as text. */
function wrongOrigin([origin = "", ...more]: readonly string[], isVerbose: boolean): HttpRefusal {
  const details = { option: "origins", headers: { "X-Content-Type-Options": "nosniff" } };
  if (more.length > 0) return refuse(403, "The request has several Origin fields.", details);
  const problem = `Pages from ${quoteStart(origin)} may not connect.`;
  const advice =
    " To allow them, add this origin to the origins option of the server or the route.";
  const reason = "Pages from this origin may not connect.";
  return refuse(403, isVerbose ? problem + advice : problem, { ...details, reason });
}
