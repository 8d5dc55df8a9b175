/** A message of the user that the server has not sent back yet. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly text: string;
  /** When it was written, in milliseconds since 1970. */
  readonly date: number;
}

/** The maximum number of waiting messages: more than a user types while a server restarts. */
const MAX_MESSAGES = 100;

/**
 * The messages that the server has not sent back, in order. A message stays until the server sends it back,
 * so a message that was lost with its connection is sent again.
 */
export class Outbox {
  readonly #messages: OutgoingMessage[] = [];
  /** The number of messages, from the first, that were sent on the current connection. */
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

  /** The first message that was not sent on the current connection. */
  next(): OutgoingMessage | undefined {
    return this.#messages[this.#sentCount];
  }

  /** The message that {@link next} returned has been sent. */
  advance(): void {
    this.#sentCount++;
  }

  /** The connection has ended: all messages are sent again. */
  rewind(): void {
    this.#sentCount = 0;
  }

  /** The server has sent this message back. Returns whether it was in the outbox. */
  settle(messageId: string): boolean {
    const index = this.#messages.findIndex((message) => message.messageId === messageId);
    if (index === -1) return false;
    this.#messages.splice(index, 1);
    if (index < this.#sentCount) this.#sentCount--;
    return true;
  }
}
