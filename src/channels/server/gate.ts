import { UsageError } from "../../errors/index.ts";
import type { ServerSocket } from "../../server/server-socket.ts";
import type { WebSocketContext } from "../../server/upgrade-contexts.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { type Decision, readDecision } from "./authorization.ts";
import type { ChannelConnection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { identityOf } from "./identity.ts";
import type { AuthorizeRequest } from "./session-interface.ts";
import { settle } from "./settle.ts";

/** The part of a handshake that `authorize` needs. */
export type HandshakeContext = Pick<
  WebSocketContext<unknown, string, unknown>,
  "request" | "remoteAddress" | "state"
>;

/** Close codes of RFC 6455 7.4.1, and "Try Again Later" and "Timeout" of the IANA registry. */
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;
const TIMEOUT = 3008;

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
  readonly #deadline: Deadline;
  #isAuthorizing = false;
  /** Fresh credentials that arrived while earlier ones are checked. Only the latest count. */
  #nextAuth: { readonly auth: unknown } | undefined;

  constructor(connection: ChannelConnection, socket: ServerSocket, context: HandshakeContext) {
    const { timers, dateNowMs, limits } = connection.environment;
    this.#connection = connection;
    this.#socket = socket;
    this.#context = context;
    this.#maxMessageBytes = socket.maxMessageBytes;
    socket.maxMessageBytes = Math.min(this.#maxMessageBytes, limits.maxAuthBytes);
    this.#deadline = new Deadline(timers, dateNowMs);
    this.#deadline.set(dateNowMs() + limits.authTimeoutMs, () => this.#onTimeout());
  }

  onHello({ auth, session, connection: number }: ClientFrameOf<"hello">): void {
    const connection = this.#connection;
    const { pendingAuthorize, limits } = connection.environment;
    if (pendingAuthorize.count >= limits.maxPendingAuthorize) {
      connection.session.close(TRY_AGAIN_LATER, "the server is busy");
      return;
    }
    connection.connectionNumber = number;
    pendingAuthorize.count++;
    this.#isAuthorizing = true;
    identityOf(session).then(
      (identity) => {
        connection.identity = identity;
        this.#authorize(auth);
      },
      (error: unknown) => this.#decide({ kind: "failed", error }),
    );
  }

  onAuth({ auth }: ClientFrameOf<"auth">): void {
    if (this.#isAuthorizing) {
      this.#nextAuth = { auth };
      return;
    }
    this.#connection.environment.pendingAuthorize.count++;
    this.#isAuthorizing = true;
    this.#authorize(auth);
  }

  /** The connection has ended. */
  end(): void {
    this.#deadline.cancel();
    this.#nextAuth = undefined;
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
    this.#isAuthorizing = false;
    if (decision.kind === "failed") environment.report(decision.error, { kind: "authorize" });
    if (session.isClosed) return;
    if (decision.kind === "accepted") this.#accept(decision);
    else if (decision.kind === "refused") this.#connection.close(decision.reason);
    else session.close(INTERNAL_ERROR, "authorize failed");
  }

  #accept({ state, expiresAtMs }: Extract<Decision, { kind: "accepted" }>): void {
    const connection = this.#connection;
    const { environment, session } = connection;
    connection.state = state;
    this.#socket.maxMessageBytes = this.#maxMessageBytes;
    if (expiresAtMs === undefined) this.#deadline.cancel();
    else this.#deadline.set(expiresAtMs, () => connection.close("unauthorized"));
    if (session.isOpen) void connection.recheck();
    if (this.#nextAuth !== undefined) {
      const next = this.#nextAuth;
      this.#nextAuth = undefined;
      this.onAuth({ type: "auth", ...next });
      return;
    }
    if (expiresAtMs === undefined) {
      // The client sends no fresh credentials.
      connection.removeGate();
      connection.welcome();
    } else {
      connection.welcome(Math.max(0, expiresAtMs - environment.dateNowMs()));
    }
  }

  #onTimeout(): void {
    const { session, environment } = this.#connection;
    const { authTimeoutMs } = environment.limits;
    if (!this.#isAuthorizing) {
      session.close(TIMEOUT, `no hello within ${authTimeoutMs} ms`);
      return;
    }
    session.close(INTERNAL_ERROR, "authorize failed");
    const error = new UsageError(
      "AUTHORIZE_TIMEOUT",
      `channels: authorize did not settle within authTimeoutMs ${authTimeoutMs}`,
    );
    environment.report(error, { kind: "authorize" });
  }
}
