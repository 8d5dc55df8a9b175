import { ChannelError } from "./channel-error.ts";
import type { AnswerFrame, ClientSession, Request } from "./client-session.ts";
import { encodeFrame, type ServerFrame } from "./frames.ts";

/** A notice of the server about a topic. */
export type Notice = Extract<ServerFrame, { topic: string }>;

type Kind = "subscribe" | "watch" | "enter";

/** Milliseconds before the client asks again after a temporary error that has no `retryAfterMs`. */
const RETRY_AFTER_MS = 1000;

/**
 * What a client wants of a topic on every connection: to subscribe, to watch its members, or to be a member.
 */
export abstract class SessionState {
  readonly session: ClientSession;
  readonly topic: string;
  /**
   * - `idle`: there is no connection, or the client waits before it asks again; then `requested`.
   * - `requested`: the server has not answered; then `open`, or `idle` after an error or a lost connection.
   * - `open`: the server has accepted; then `idle` when the connection is lost.
   */
  status: "idle" | "requested" | "open" = "idle";
  /** Whether the client still wants it. */
  isWanted = true;
  readonly #kind: Kind;
  #request: Request | undefined;

  constructor(session: ClientSession, kind: Kind, topic: string) {
    this.session = session;
    this.topic = topic;
    this.#kind = kind;
    session.states.set(`${kind} ${topic}`, this);
  }

  /** Asks the server, if there is a connection and this has not been done on it. */
  open(): void {
    const { session, topic } = this;
    if (session.ended) this.revoke(session.ended);
    if (!session.isOpen || this.status !== "idle" || !this.isWanted) return;
    this.status = "requested";
    const id = session.nextId();
    this.#request = {
      kind: "state",
      id,
      encode: () => encodeFrame({ type: this.#kind, id, topic, ...this.fields() } as never),
      settle: (error, answer) => {
        if (answer) {
          this.status = "open";
          this.accept(answer.frame);
        } else if (error) this.#refuse(error as ChannelError);
        else if (!this.isWanted) this.end(new ChannelError("CONNECTION_LOST"));
      },
    };
    session.add(this.#request);
  }

  /** The client does not want it any more. */
  close(): void {
    if (this.release()) this.session.send({ type: `un${this.#kind}`, topic: this.topic });
    if (this.#request) this.session.settle(this.#request);
  }

  /** Forgets the state. Returns whether the server must be told. */
  protected release(): boolean {
    const { topic, session, isWanted, status } = this;
    if (isWanted) session.states.delete(`${this.#kind} ${topic}`);
    this.isWanted = false;
    return isWanted && status !== "idle";
  }

  /** Tries again after a temporary error. Any other error ends it. */
  #refuse(error: ChannelError): void {
    this.status = "idle";
    if (!this.retry(error, () => this.open())) this.revoke(error);
  }

  /** Reports a temporary error, and tries again later. Returns false for any other error. */
  protected retry(error: ChannelError, again: () => void): boolean {
    const { environment } = this.session;
    if (!this.isWanted || !/^(UNAVAILABLE|TOO_MANY)/.test(error.code)) return false;
    environment.onError(error);
    environment.setTimeout(again, error.retryAfterMs ?? RETRY_AFTER_MS);
    return true;
  }

  /** The server has ended it. */
  protected revoke(error: ChannelError): void {
    this.release();
    this.end(error);
  }

  /** The fields of the request besides `id` and `topic`. */
  protected abstract fields(): object;
  protected abstract accept(frame: AnswerFrame): void;
  /** Handles a notice of the server. */
  abstract notice(frame: Notice): void;
  /** It has failed, or the session has ended. */
  abstract end(error: ChannelError): void;
}
