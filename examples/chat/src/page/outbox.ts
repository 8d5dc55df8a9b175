/** Something the user has said that the server has not repeated yet. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly text: string;
  /** When it was written, in milliseconds since 1970. */
  readonly date: number;
}

/** How many messages may wait: more than anybody types while a server restarts. */
const MAX_MESSAGES = 100;

/**
 * What has been said but not been heard back, in the order in which it was said. A message stays
 * until the server repeats it, so that one that was lost with its connection is sent again.
 */
export class Outbox {
  readonly #messages: OutgoingMessage[] = [];
  /** So many, from the first, have been sent on the present connection. */
  #sentCount = 0;

  get isFull(): boolean {
    return this.#messages.length >= MAX_MESSAGES;
  }

  has(messageId: string): boolean {
    return this.#messages.some((message) => message.messageId === messageId);
  }

  add(message: OutgoingMessage): void {
    this.#messages.push(message);
  }

  /** The first message that has not been sent on the present connection. */
  next(): OutgoingMessage | undefined {
    return this.#messages[this.#sentCount];
  }

  /** What {@link next} returned has been sent. */
  advance(): void {
    this.#sentCount++;
  }

  /** The connection is gone; all that was not heard back is to be sent again. */
  rewind(): void {
    this.#sentCount = 0;
  }

  /** The server has repeated this message. Returns whether it was one of ours. */
  settle(messageId: string): boolean {
    const index = this.#messages.findIndex((message) => message.messageId === messageId);
    if (index === -1) return false;
    this.#messages.splice(index, 1);
    if (index < this.#sentCount) this.#sentCount--;
    return true;
  }
}
