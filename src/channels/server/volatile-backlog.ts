/** A volatile message that waits for a slow client. */
export interface WaitingMessage {
  readonly byteLength: number;
  /** Drops the message, and removes it from the backlog. */
  drop(): void;
}

/**
 * The volatile messages that wait for one client, of all its topics. Beyond the limit on their bytes, the oldest are
 * dropped.
 */
export class VolatileBacklog {
  readonly #maxBytes: number;
  /** The oldest message is first. */
  readonly #messages = new Set<WaitingMessage>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(message: WaitingMessage): void {
    this.#messages.add(message);
    this.#bytes += message.byteLength;
    for (const oldest of this.#messages) {
      if (this.#bytes <= this.#maxBytes) return;
      oldest.drop();
    }
  }

  remove(message: WaitingMessage): void {
    if (this.#messages.delete(message)) this.#bytes -= message.byteLength;
  }
}
