import { CloseCode } from "../../errors/close-code.ts";
import { TidewayError } from "../../errors/index.ts";
import type { ServerSocket } from "../../server/socket/server-socket.ts";
import type { WebSocketContext } from "../../server/routes/upgrade-contexts.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { type Decision, readDecision } from "./authorization.ts";
import type { ChannelConnection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { identityOf } from "./identity.ts";
import { RateLimit, RETRY_AFTER_MS } from "./rate-limit.ts";
import type { AuthorizeRequest } from "./session-interface.ts";
import { settle } from "./settle.ts";

/** The part of a handshake that `authorize` needs. */
export type HandshakeContext = Pick<
  WebSocketContext<unknown, string, unknown>,
  "request" | "remoteAddress" | "state"
>;

/** The argument of `authorize`. It makes the `Request` only if it is read, because that takes much memory. */
class AuthorizeCall implements AuthorizeRequest {
  readonly auth: unknown;
  readonly remoteAddress: string;
  readonly route: unknown;
  readonly #context: HandshakeContext;

  constructor(auth: unknown, context: HandshakeContext) {
    this.auth = auth;
    this.remoteAddress = context.remoteAddress;
    this.route = context.state;
    this.#context = context;
  }

  get request(): Request {
    return this.#context.request;
  }
}

/** How often the fresh credentials of a client are checked. Each time, all its subscribe rules run again. */
const MAX_AUTHS_PER_SECOND = 2;

/**
 * - `hello`: the first frame has not arrived.
 * - `authorizing`: `authorize` is running.
 * - `open`: the client is authorized.
 * - `waiting`: fresh credentials wait until the limits allow to check them.
 */
type GateState = "hello" | "authorizing" | "open" | "waiting";

/**
 * Authorizes the client of one connection: when its first frame arrives, and again with fresh credentials
 * before they expire. Until the first time, the connection may hold little memory, for a limited time.
 */
export class Gate {
  readonly #connection: ChannelConnection;
  readonly #socket: ServerSocket;
  readonly #context: HandshakeContext;
  /** The limit of the route, which applies after the welcome. */
  readonly #maxMessageBytes: number;
  #state: GateState = "hello";
  /** Ends the state, unless it is `open`. */
  readonly #deadline: Deadline;
  /** Ends the session, if it expires. */
  #expiry: Deadline | undefined;
  #rate: RateLimit | undefined;
  /** Fresh credentials that have not been checked. Only the latest count. */
  #nextAuth: { readonly auth: unknown } | undefined;

  constructor(connection: ChannelConnection, socket: ServerSocket, context: HandshakeContext) {
    const { limits } = connection.environment;
    this.#connection = connection;
    this.#socket = socket;
    this.#context = context;
    this.#maxMessageBytes = socket.maxMessageBytes;
    socket.maxMessageBytes = Math.min(this.#maxMessageBytes, limits.maxAuthBytes);
    this.#deadline = this.#createDeadline();
    this.#limitTime();
  }

  onHello({ auth, session, connection: number }: ClientFrameOf<"hello">): void {
    const connection = this.#connection;
    if (this.#isBusy) {
      connection.session.close(CloseCode.TryAgainLater, "the server is busy");
      return;
    }
    connection.connectionNumber = number;
    this.#begin();
    identityOf(session).then(
      (identity) => {
        connection.identity = identity;
        this.#authorize(auth);
      },
      (error: unknown) => this.#decide({ kind: "failed", error }),
    );
  }

  onAuth({ auth }: ClientFrameOf<"auth">): void {
    this.#nextAuth = { auth };
    if (this.#state === "open") this.#authorizeNext();
  }

  /** The connection has ended. */
  end(): void {
    this.#deadline.cancel();
    this.#expiry?.cancel();
    this.#nextAuth = undefined;
  }

  /** Whether this server may not call `authorize` now. */
  get #isBusy(): boolean {
    const { pendingAuthorize, limits } = this.#connection.environment;
    return pendingAuthorize.count >= limits.maxPendingAuthorize;
  }

  /** Checks the latest fresh credentials, or waits until the limits allow that. */
  #authorizeNext(): void {
    if (this.#nextAuth === undefined) return;
    const { dateNowMs } = this.#connection.environment;
    const waitMs = this.#waitMs(dateNowMs());
    if (waitMs > 0) {
      this.#state = "waiting";
      this.#deadline.set(dateNowMs() + waitMs, () => this.#authorizeNext());
      return;
    }
    const { auth } = this.#nextAuth;
    this.#nextAuth = undefined;
    this.#begin();
    this.#limitTime();
    this.#authorize(auth);
  }

  /** Returns 0 if fresh credentials may be checked now. */
  #waitMs(nowMs: number): number {
    if (this.#isBusy) return RETRY_AFTER_MS;
    this.#rate ??= new RateLimit(MAX_AUTHS_PER_SECOND, nowMs);
    return this.#rate.take(nowMs);
  }

  #begin(): void {
    this.#connection.environment.pendingAuthorize.count++;
    this.#state = "authorizing";
  }

  #authorize(auth: unknown): void {
    const { environment } = this.#connection;
    settle(
      () => environment.authorize(new AuthorizeCall(auth, this.#context)),
      (result) => this.#decide(readDecision(result, environment.dateNowMs())),
      (error) => this.#decide({ kind: "failed", error }),
    );
  }

  #decide(decision: Decision): void {
    const { environment, session } = this.#connection;
    environment.pendingAuthorize.count--;
    if (decision.kind === "failed") environment.report(decision.error, { kind: "authorize" });
    if (session.isClosed) return;
    if (decision.kind === "accepted") this.#accept(decision);
    else if (decision.kind === "refused") this.#connection.close(decision.reason);
    else session.close(CloseCode.InternalError, "authorize failed");
  }

  #accept({ state, expiresAtMs }: Extract<Decision, { kind: "accepted" }>): void {
    const connection = this.#connection;
    const { environment, session } = connection;
    this.#state = "open";
    this.#deadline.cancel();
    connection.state = state;
    this.#socket.maxMessageBytes = this.#maxMessageBytes;
    this.#setExpiry(expiresAtMs);
    if (session.isOpen) void connection.recheck();
    if (this.#nextAuth !== undefined) {
      this.#authorizeNext();
    } else if (expiresAtMs === undefined) {
      // The client sends no fresh credentials.
      connection.removeGate();
      connection.welcome();
    } else {
      connection.welcome(Math.max(0, expiresAtMs - environment.dateNowMs()));
    }
  }

  #setExpiry(expiresAtMs: number | undefined): void {
    this.#expiry?.cancel();
    if (expiresAtMs === undefined) return;
    this.#expiry ??= this.#createDeadline();
    this.#expiry.set(expiresAtMs, () => this.#connection.close("unauthorized"));
  }

  #createDeadline(): Deadline {
    const { timers, dateNowMs } = this.#connection.environment;
    return new Deadline(timers, dateNowMs);
  }

  /** Limits the time of the current state to `authTimeoutMs`. */
  #limitTime(): void {
    const { dateNowMs, limits } = this.#connection.environment;
    this.#deadline.set(dateNowMs() + limits.authTimeoutMs, () => this.#onTimeout());
  }

  #onTimeout(): void {
    const { session, environment } = this.#connection;
    const { authTimeoutMs } = environment.limits;
    if (this.#state === "hello") {
      session.close(CloseCode.Timeout, `no hello within ${authTimeoutMs} ms`);
      return;
    }
    session.close(CloseCode.InternalError, "authorize failed");
    const error = new TidewayError(
      "AUTHORIZE_TIMEOUT",
      `channels: authorize did not settle within authTimeoutMs ${authTimeoutMs}`,
    );
    environment.report(error, { kind: "authorize" });
  }
}
