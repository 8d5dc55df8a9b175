import { isThenable } from "../../../schema/values.ts";
import type { Message } from "../../../streams/message-consumer.ts";
import type { JsonReader } from "./json-reader.ts";

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Iterates over the values of a typed socket. Takes a message only when the loop asks for a value. */
export class JsonIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #messages: AsyncIterableIterator<Message, undefined>;
  readonly #reader: JsonReader<T>;
  /** The latest result. The iterator takes the next message after it has settled. */
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /** @throws UsageError `ALREADY_CONSUMED` */
  constructor(reader: JsonReader<T>) {
    this.#reader = reader;
    this.#messages = reader.socket[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const result = this.#last.then(this.#readNext, this.#readNext);
    this.#last = result;
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    await this.#messages.return?.();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #readNext = async (): Promise<IteratorResult<T, undefined>> => {
    const result = await this.#messages.next();
    if (result.done === true) return result;
    let reading = this.#reader.read(result.value);
    // Only promises are awaited, because awaiting a plain value would cost a microtask for each message.
    if (isThenable(reading)) reading = await reading;
    if (this.#isOver) return END;
    if (reading !== undefined) return { done: false, value: reading.value };
    // The message was invalid. This call throws the error that ended the messages.
    await this.#messages.next();
    return END;
  };
}
