import { every } from "../broker/timers.ts";
import { isErrorReply } from "./redis-answers.ts";
import type { ConnectionListener, ListeningConnection, OpenConnection } from "./redis-client.ts";

/** How often to send a `PING` on a connection. */
const PING_INTERVAL_MS = 5_000;

/**
 * After how many intervals without an answer a connection is lost. It is more than one, because a blocked event
 * loop delays the answer too.
 */
const MAX_INTERVALS = 3;

/**
 * A connection for subscriptions that ends once: after its first error, or if Redis does not answer a `PING`.
 * Its calls then reject, although a client may leave them pending.
 */
export class WatchedConnection {
  readonly #connection: ListeningConnection;
  readonly #listener: ConnectionListener;
  /** Rejects the calls that have no answer yet. */
  readonly #pending = new Set<(error: unknown) => void>();
  readonly #stopPings: () => void;
  /** The number of intervals since a `PING` without an answer. */
  #unanswered = 0;
  #end: Error | undefined;

  /** @param listener gets messages, and the error that ends the connection */
  constructor(open: OpenConnection, listener: ConnectionListener) {
    this.#listener = listener;
    this.#connection = open({
      onMessage: (channel, message) => {
        if (!this.isLost) listener.onMessage(channel, message);
      },
      onError: (error) => this.lose(error),
    });
    this.#connection.connected.catch((error: unknown) => this.lose(error));
    this.#stopPings = every(globalThis, PING_INTERVAL_MS, () => this.#ping());
  }

  get isLost(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves when the connection is open. */
  connect(): Promise<unknown> {
    return this.#untilLost(() => this.#connection.connected);
  }

  subscribe(channel: string): Promise<unknown> {
    return this.#untilLost(() => this.#connection.subscribe(channel));
  }

  /** Rejects only if Redis refuses, because a lost connection has no subscriptions. */
  async unsubscribe(channel: string): Promise<void> {
    try {
      await this.#untilLost(() => this.#connection.unsubscribe(channel));
    } catch (error) {
      if (isErrorReply(error)) throw error;
      this.lose(error);
    }
  }

  /** Ends the connection. A second call has no effect. */
  lose(error: unknown): void {
    if (this.isLost) return;
    this.#end =
      error instanceof Error ? error : new Error("the connection is lost", { cause: error });
    this.#stopPings();
    this.#connection.close();
    for (const reject of this.#pending) reject(this.#end);
    this.#pending.clear();
    this.#listener.onError(this.#end);
  }

  #untilLost(call: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      this.#pending.add(reject);
      const settle = (): void => void this.#pending.delete(reject);
      call().finally(settle).then(resolve, reject);
    });
  }

  #ping(): void {
    if (this.#unanswered === MAX_INTERVALS) {
      const timeoutMs = MAX_INTERVALS * PING_INTERVAL_MS;
      this.lose(new Error(`Redis did not answer a PING within ${timeoutMs} ms`));
      return;
    }
    this.#unanswered++;
    if (this.#unanswered > 1) return;
    // An error is an answer too. If the connection has ended, the client reports it.
    const onAnswer = (): void => void (this.#unanswered = 0);
    this.#connection.ping().then(onAnswer, onAnswer);
  }
}
