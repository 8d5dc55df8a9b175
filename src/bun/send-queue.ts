import type { Message } from "../streams/message-consumer.ts";
import type { BunSocket } from "./bun-api.ts";

/** The minimum size of a frame's header (RFC 6455 5.2), so that an empty message counts too. */
const MIN_HEADER_BYTES = 2;

/** The messages that wait for the end of a turn of the event loop, to be written at once. */
export class SendQueue {
  #messages: Message[] = [];
  #bytes = 0;

  /** The number of bytes that wait; text counts by its length in UTF-16 units. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += MIN_HEADER_BYTES + message.length;
  }

  /** Sends all messages, with one write if they are short. */
  sendAll(socket: BunSocket): void {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    if (messages.length === 1) socket.send(messages[0]);
    else {
      socket.cork(() => {
        for (const message of messages) socket.send(message);
      });
    }
  }
}
