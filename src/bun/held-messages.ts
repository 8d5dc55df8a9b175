import type { ByteBudget } from "../protocol/byte-budget.ts";
import type { Message } from "../streams/message-consumer.ts";

/** The cost of an empty message, so that a flood of empty messages has a limit too. */
const BYTES_PER_MESSAGE = 64;

/** The messages that arrive while a connection is paused. */
export class HeldMessages {
  readonly maxBytes: number;
  readonly #budget: ByteBudget | undefined;
  #messages: Message[] = [];
  /** The position of the oldest message in the array. */
  #first = 0;
  #bytes = 0;

  /** @param budget limits the messages of several connections together */
  constructor(maxBytes: number, budget: ByteBudget | undefined) {
    this.maxBytes = maxBytes;
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /** Adds a message. Returns false, and adds nothing, if there is no room. */
  push(message: Message): boolean {
    const cost = costOf(message);
    if (this.#bytes + cost > this.maxBytes || this.#budget?.take(cost) === false) return false;
    this.#bytes += cost;
    this.#messages.push(message);
    return true;
  }

  /** Takes the oldest message. Call it only if there is one. */
  shift(): Message {
    const message = this.#messages[this.#first++];
    const cost = costOf(message);
    this.#bytes -= cost;
    this.#budget?.give(cost);
    if (this.isEmpty) {
      this.#messages = [];
      this.#first = 0;
    }
    return message;
  }

  /** Drops all messages. */
  clear(): void {
    this.#budget?.give(this.#bytes);
    this.#bytes = 0;
    this.#messages = [];
    this.#first = 0;
  }
}

function costOf(message: Message): number {
  return BYTES_PER_MESSAGE + message.length;
}
