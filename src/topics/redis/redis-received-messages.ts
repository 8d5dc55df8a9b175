/** The maximum number of servers. Beyond it, the first of them is forgotten. */
const MAX_SERVERS = 1_024;

/**
 * Finds the volatile messages of one channel that arrive twice. `ioredis` sends a command again if its connection is
 * lost before the answer. Each server numbers its messages, and they arrive in this order.
 */
export class ReceivedMessages {
  /** The number of the last message of each server. */
  readonly #last = new Map<string, number>();

  /** Whether the message is new. A message that is older than the last one of the same server is not. */
  add(server: string, number: number): boolean {
    if (number <= (this.#last.get(server) ?? 0)) return false;
    this.#last.set(server, number);
    if (this.#last.size > MAX_SERVERS) {
      const [first] = this.#last.keys();
      this.#last.delete(first);
    }
    return true;
  }
}
