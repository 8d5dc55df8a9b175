import type { ConsumableQueue, Message, MessageConsumer } from "./message-consumer.ts";

interface Reader {
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Iterates over a queue. It is not an async generator, so a message that waits costs only one resolved
 * promise.
 */
export class MessageIterator implements AsyncIterableIterator<Message, undefined>, MessageConsumer {
  readonly #queue: ConsumableQueue;
  readonly #onCancel: (() => void) | undefined;
  readonly #readers: Reader[] = [];
  #isOver = false;

  constructor(queue: ConsumableQueue, onCancel: (() => void) | undefined) {
    this.#queue = queue;
    this.#onCancel = onCancel;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    const message = this.#queue.shift();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#queue.isExhausted) return this.#finish();
    return new Promise(this.#addReader);
  }

  /** Leaves the loop and drops the waiting messages. */
  return(): Promise<IteratorReturnResult<undefined>> {
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver) {
      this.#queue.discard();
      this.#onCancel?.();
    }
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  accept(message: Message): boolean {
    const reader = this.#readers.shift();
    if (reader === undefined) return false;
    reader.resolve({ done: false, value: message });
    return true;
  }

  onEnd(): void {
    // Readers wait only while the queue is empty, so no message comes before the end.
    for (const reader of this.#readers.splice(0))
      this.#finish().then(reader.resolve, reader.reject);
  }

  // One function for all calls of `next` that must wait, to avoid a closure for each call.
  readonly #addReader = (
    resolve: (result: IteratorResult<Message, undefined>) => void,
    reject: (error: Error) => void,
  ): void => {
    this.#readers.push({ resolve, reject });
  };

  #finish(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    const error = this.#queue.takeError();
    return error === undefined ? Promise.resolve(END) : Promise.reject(error);
  }
}
