import type { ByteConnectionOptions } from "../connection/byte-connection.ts";
import type { Connection } from "../connection/connection.ts";
import type { TimerWheel } from "../connection/timer-wheel.ts";
import { HandshakeError } from "../errors/index.ts";
import type { DeflateCodec } from "../protocol/deflate/index.ts";
import {
  HeaderFields,
  type UpgradeRefusal,
  type WebSocketOffer,
} from "../protocol/handshake/index.ts";
import { type ByteBudget, CloseCode } from "../protocol/index.ts";
import { type HostCheck, MISDIRECTED } from "./host-policy.ts";
import { cancelBody } from "./http-answer.ts";
import type { ErrorListener } from "./report.ts";
import type { Params } from "./route-pattern.ts";
import type { RouteMatch, RouteTable, WebSocketEntry } from "./route-table.ts";
import type { WebSocketContext } from "./route-types.ts";
import type { SocketGroup } from "./socket-group.ts";
import { runHandler, Socket, type SocketHost } from "./socket.ts";
import { isResponse, isThenable } from "./values.ts";

/** A request for a WebSocket, as a runtime hands it over. */
export interface UpgradeAttempt {
  /** name, value, name, value..., as `node:http` and `node:http2` have them. */
  readonly rawHeaders: readonly string[];
  /** The path of the request's URL, normalised as URLs are. */
  readonly pathname: string;
  /** The host that the request is for, with its port. */
  readonly host: string;
  /** Whether this server ends TLS for the connection. */
  readonly isSecure: boolean;
  /** Made when first asked for: most handlers never do. Its signal aborts when the peer goes. */
  readonly request: Request;
  readonly url: URL;
  /** Where the connection comes from; empty once it has ended. */
  readonly remoteAddress: string;
  /** Judges the opening handshake by the rules of the HTTP version that it came by. */
  readOffer(): WebSocketOffer | UpgradeRefusal;
}

/** What to answer to an {@link UpgradeAttempt}. */
export type UpgradeDecision = UpgradeAccepted | UpgradeRefused | UpgradeAnswered;

/** Send the response that accepts, open a connection, and hand it over. */
export interface UpgradeAccepted {
  readonly kind: "accept";
  /** What the connection is to be opened with. */
  readonly connection: ByteConnectionOptions;
  /** Runs the route's handler on the connection. */
  open(connection: Connection): Socket;
}

/** Send a plain response and close. */
export type UpgradeRefused = UpgradeRefusal;

/** Send the response that `authorize` gave, and close. */
export interface UpgradeAnswered {
  readonly kind: "answer";
  readonly response: Response;
  /** Tells the server's owner that the response cannot be sent. */
  readonly onFailure: (error: unknown) => void;
}

/** What deciding on upgrades takes, besides the routes. */
export interface UpgradeEnvironment {
  readonly wheel: TimerWheel;
  readonly deflateCodec: DeflateCodec;
  /** What the unfinished messages of all connections may hold. */
  readonly unfinishedBudget: ByteBudget;
  /** Calls back in a turn of its own, after what is sent in this one has been written. */
  readonly inNextTurn: (callback: () => void) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly report: ErrorListener;
  /** How long `authorize` may take. */
  readonly handshakeTimeoutMs: number;
  /** How many sockets may be open or being decided on. */
  readonly maxConnections: number;
  readonly isHostAllowed: HostCheck;
  /** Where the sockets go while they are open. */
  readonly sockets: SocketGroup;
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
  readonly #socketHosts = new Map<WebSocketEntry, SocketHost>();
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
    const accept = (state: unknown): UpgradeDecision => ({
      kind: "accept",
      connection: {
        ...match.entry.limits,
        role: "server",
        protocol,
        extensions: agreed?.extensions ?? "",
        deflate: agreed?.agreement,
        unfinishedBudget: this.#environment.unfinishedBudget,
      },
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
      return entry.isOriginAllowed({
        origins: new HeaderFields(attempt.rawHeaders).all("origin"),
        host: attempt.host,
        isSecure: attempt.isSecure,
        get request() {
          return attempt.request;
        },
      });
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
    const socket = new Socket(connection, this.#hostOf(entry), entry.limits);
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

  /** One for all sockets of a route: what each socket holds on to counts by the thousand. */
  #hostOf(entry: WebSocketEntry): SocketHost {
    let host = this.#socketHosts.get(entry);
    if (host === undefined) {
      const { report, sockets, inNextTurn } = this.#environment;
      host = {
        onFailure: (socket, error) => report(error, { route: entry.key, socket }),
        onClosed: (socket) => sockets.delete(socket),
        inNextTurn,
      };
      this.#socketHosts.set(entry, host);
    }
    return host;
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

/** Reads the request only when the handler does. */
class HandlerContext implements WebSocketContext<Params, string, unknown> {
  readonly params: Params;
  readonly protocol: string;
  readonly state: unknown;
  readonly #attempt: UpgradeAttempt;

  constructor(attempt: UpgradeAttempt, params: Params, protocol: string, state: unknown) {
    this.#attempt = attempt;
    this.params = params;
    this.protocol = protocol;
    this.state = state;
  }

  get request(): Request {
    return this.#attempt.request;
  }

  get url(): URL {
    return this.#attempt.url;
  }

  get remoteAddress(): string {
    return this.#attempt.remoteAddress;
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
