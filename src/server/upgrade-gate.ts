import type { Connection } from "../connection/connection.ts";
import type { TimerWheel } from "../connection/timer-wheel.ts";
import { HandshakeError } from "../errors/index.ts";
import type { DeflateCodec } from "../protocol/deflate/index.ts";
import { CloseCode } from "../protocol/index.ts";
import { HandlerContext } from "./handler-context.ts";
import { type HostCheck, MISDIRECTED } from "./host-policy.ts";
import { cancelBody } from "./http-answer.ts";
import { RouteConnections, type RouteConnectionsEnvironment } from "./route-connections.ts";
import type { RouteMatch, RouteTable, WebSocketEntry } from "./route-table.ts";
import { runHandler, Socket } from "./socket.ts";
import type { UpgradeAttempt, UpgradeDecision, UpgradeRefused } from "./upgrade.ts";
import { isResponse, isThenable } from "./values.ts";

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
  readonly isHostAllowed: HostCheck;
}

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
  /** How often `authorize` is at work: until it has decided, also where its peer goes first. */
  #undecided = 0;

  constructor(routes: RouteTable, environment: UpgradeEnvironment) {
    this.#routes = routes;
    this.#environment = environment;
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
      return refuse(400, "The request is malformed.");
    }
  }

  #judge(attempt: UpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    if (!this.#environment.isHostAllowed(attempt.host, attempt.isSecure)) return WRONG_HOST;
    const match = this.#routes.findWebSocket(attempt.pathname);
    if (match === undefined) return refuse(404, "No WebSocket is here.");
    const offer = attempt.readOffer();
    if (offer.kind === "refuse") return offer;
    if (!this.#isOriginAllowed(attempt, match.entry)) {
      return refuse(403, "Pages of this origin may not connect.");
    }
    const protocol = chooseProtocol(match.entry.protocols, offer.protocols);
    if (protocol === undefined)
      return refuse(400, "None of the subprotocols offered is spoken here.");
    if (!this.#hasRoom()) return FULL;
    const { minWindowBits } = this.#environment.deflateCodec;
    const agreed = match.entry.compression?.accept(offer.extensions, minWindowBits);
    const connections = this.#connectionsOf(match.entry);
    const accept = (state: unknown): UpgradeDecision => ({
      kind: "accept",
      connection: connections.optionsFor(protocol, agreed),
      open: (connection) => this.#open(connection, attempt, match, state),
    });
    return match.entry.authorize === undefined
      ? accept(undefined)
      : this.#authorize(attempt, match, accept);
  }

  #hasRoom(): boolean {
    const { sockets, maxConnections } = this.#environment;
    return sockets.size + this.#undecided < maxConnections;
  }

  #isOriginAllowed(attempt: UpgradeAttempt, entry: WebSocketEntry): boolean {
    try {
      return entry.isOriginAllowed(attempt);
    } catch (error) {
      this.#report(error, attempt, entry);
      return false;
    }
  }

  #authorize(
    attempt: UpgradeAttempt,
    { entry, params }: Match,
    accept: (state: unknown) => UpgradeDecision,
  ): UpgradeDecision | Promise<UpgradeDecision> {
    const decide = (result: unknown): UpgradeDecision =>
      isResponse(result)
        ? {
            kind: "answer",
            response: result,
            onFailure: (error) => this.#report(error, attempt, entry),
          }
        : accept(result);
    const fail = (error: unknown): UpgradeDecision => {
      // Whatever fails after the peer has gone is of no interest.
      if (!attempt.request.signal.aborted) this.#report(error, attempt, entry);
      return error instanceof AuthorizeTimeout
        ? refuse(503, "The server is too busy.")
        : refuse(500, "The server failed.");
    };
    try {
      const result = entry.authorize!(attempt.request, {
        params,
        url: attempt.url,
        remoteAddress: attempt.remoteAddress,
      });
      if (!isThenable(result)) return decide(result);
      return this.#inTime(Promise.resolve(result)).then(decide, fail);
    } catch (error) {
      return fail(error);
    }
  }

  #inTime<T>(promise: Promise<T>): Promise<T> {
    const { wheel, handshakeTimeoutMs } = this.#environment;
    this.#undecided++;
    return new Promise<T>((resolve, reject) => {
      const timer = wheel.start(handshakeTimeoutMs, () => {
        reject(new AuthorizeTimeout(handshakeTimeoutMs));
        promise.then(discardResponse, () => {});
      });
      void promise.then(resolve, reject).finally(() => timer.cancel());
    }).finally(() => {
      this.#undecided--;
    });
  }

  #open(connection: Connection, attempt: UpgradeAttempt, match: Match, state: unknown): Socket {
    const { entry, params } = match;
    const { sockets } = this.#environment;
    const socket = new Socket(connection, this.#connectionsOf(entry).host, entry.limits);
    sockets.add(socket);
    const { maxLifetimeMs = Infinity } = entry.limits;
    if (maxLifetimeMs < Infinity) this.#limitLifetime(socket, maxLifetimeMs);
    const context = new HandlerContext(attempt, params, connection.protocol, state);
    runHandler(socket, () => entry.handle(socket, context), sockets.startHandler());
    return socket;
  }

  /** Closes `socket` in its last fifth of `maxLifetimeMs`. */
  #limitLifetime(socket: Socket, maxLifetimeMs: number): void {
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

  #report(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): void {
    this.#environment.report(error, { route: entry.key, request: attempt.request });
  }
}

/** What `authorize` gave too late may hold a body. */
function discardResponse(result: unknown): void {
  if (isResponse(result)) cancelBody(result);
}

class AuthorizeTimeout extends HandshakeError {
  constructor(timeoutMs: number) {
    super("AUTHORIZE_TIMEOUT", `authorize took longer than handshakeTimeoutMs ${timeoutMs}`);
  }
}

/** The first spoken that is offered; else none, where that will do, or undefined to refuse. */
function chooseProtocol(spoken: readonly string[], offered: readonly string[]): string | undefined {
  const chosen = spoken.find((protocol) => offered.includes(protocol));
  return chosen ?? (spoken.length === 0 || spoken.includes("") ? "" : undefined);
}

function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): UpgradeRefused {
  return { kind: "refuse", status, headers, message };
}

const WRONG_HOST = refuse(MISDIRECTED.status, MISDIRECTED.message);
const FULL = refuse(503, "The server is full.", { "Retry-After": String(RETRY_AFTER_S) });
