import type { UpgradeAttempt } from "../requests/upgrade-attempt.ts";

/**
 * The limit for pending calls of `authorize` on one connection. An HTTP/1.1 connection has one handshake.
 * Over HTTP/2, a connection can have many, but few pages open more than 16 sockets at the same time.
 */
const MAX_PER_CONNECTION = 16;

/**
 * Counts the calls of `authorize` that have neither settled nor timed out. A call still counts after its
 * client has disconnected, because `authorize` is still running. Otherwise a client that keeps reconnecting
 * could start any number of calls.
 */
export class AuthorizeLimit {
  readonly #maxCalls: number;
  readonly #byConnection = new Map<object, number>();
  #calls = 0;
  #clients = 0;

  constructor(maxCalls: number) {
    this.#maxCalls = maxCalls;
  }

  /** The number of connected clients that wait for a decision. */
  get clients(): number {
    return this.#clients;
  }

  /** The reason why no call may start for `connection`, or undefined if one may. */
  whyFull(connection: object): string | undefined {
    if (this.#calls >= this.#maxCalls) {
      return `The number of pending calls of authorize has reached maxPendingAuthorize ${this.#maxCalls}.`;
    }
    if ((this.#byConnection.get(connection) ?? 0) < MAX_PER_CONNECTION) return undefined;
    return `The number of pending calls of authorize for this connection has reached ${MAX_PER_CONNECTION}.`;
  }

  /** Counts a call for `attempt`. Call the returned function once when the call has settled or timed out. */
  start(attempt: UpgradeAttempt): () => void {
    const { connection } = attempt;
    this.#calls++;
    this.#clients++;
    this.#byConnection.set(connection, (this.#byConnection.get(connection) ?? 0) + 1);
    let isWaiting = true;
    const leave = (): void => {
      if (isWaiting) this.#clients--;
      isWaiting = false;
    };
    attempt.onAborted = leave;
    if (attempt.isAborted) leave();
    return () => {
      leave();
      attempt.onAborted = undefined;
      this.#calls--;
      const left = this.#byConnection.get(connection)! - 1;
      if (left > 0) this.#byConnection.set(connection, left);
      else this.#byConnection.delete(connection);
    };
  }
}
