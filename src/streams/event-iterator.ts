import { TidewayError } from "../errors/index.ts";
import { Fifo } from "./fifo.ts";
import type { EventSource } from "./subscription.ts";

/**
 * How many events wait for one slow iterator. The next one overflows: the iterator hands out what
 * waits, then throws, because dropping an event in silence would be worse.
 */
const MAX_WAITING_EVENTS = 65_536;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Iterates over the events of a source; buffers those that come between two calls of `next`. */
export class EventIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #events = new Fifo<T>();
  readonly #readers = new Fifo<(result: IteratorResult<T, undefined>) => void>();
  readonly #stop: () => void;
  #isOver = false;
  #error: TidewayError | undefined;

  constructor(source: EventSource<T>) {
    this.#stop = source(
      (event) => this.#add(event),
      () => this.#end(),
    );
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#events.size > 0) return { done: false, value: this.#events.shift() as T };
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    if (this.#isOver) return END;
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Stops listening; what waits is discarded. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#events.clear();
    this.#error = undefined;
    this.#end();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(event: T): void {
    if (this.#isOver) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ done: false, value: event });
    else if (this.#events.size < MAX_WAITING_EVENTS) this.#events.push(event);
    else {
      this.#error = new TidewayError("EVENT_OVERFLOW", `${MAX_WAITING_EVENTS} events wait already`);
      this.#end();
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#stop();
    while (this.#readers.size > 0) this.#readers.shift()?.(END);
  }
}
