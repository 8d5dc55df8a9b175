import type { UpgradeAttempt } from "./upgrade.ts";

/**
 * How many calls of `authorize` may be pending for one connection. HTTP/1.1 has one handshake on a
 * connection; a page that opens its sockets at once over HTTP/2 seldom has more.
 */
const MAX_PER_CONNECTION = 16;

/**
 * Counts the calls of `authorize` that have neither settled nor timed out. A call also counts after
 * its client has gone, because its work continues: otherwise a client that leaves and comes back could
 * start any number of them.
 */
export class PendingAuthorize {
  readonly #maxCalls: number;
  readonly #byConnection = new Map<object, number>();
  #calls = 0;
  #clients = 0;

  constructor(maxCalls: number) {
    this.#maxCalls = maxCalls;
  }

  /** How many clients wait for a decision. Excludes those that have gone. */
  get clients(): number {
    return this.#clients;
  }

  /** The reason why no call may start for `connection`, or undefined if one may. */
  whyFull(connection: object): string | undefined {
    if (this.#calls >= this.#maxCalls) {
      return `maxPendingAuthorize ${this.#maxCalls} calls of authorize are pending.`;
    }
    if ((this.#byConnection.get(connection) ?? 0) < MAX_PER_CONNECTION) return undefined;
    return `${MAX_PER_CONNECTION} calls of authorize are pending for this connection.`;
  }

  /** Counts a call for `attempt`. The returned function must be called once when the call is over. */
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
