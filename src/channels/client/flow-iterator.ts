import { PublicationsLostError } from "../wire/channel-error.ts";
import type { FlowReader } from "../wire/credit-flow.ts";

/** How a {@link FlowIterator} reads its flow. */
export interface FlowIteratorOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: a loss ends the iteration with its error. */
  readonly onLost?: ((loss: PublicationsLostError) => void) | undefined;
  /** Converts each value. Default: the values as they are. */
  readonly convert?: ((value: unknown) => Promise<unknown>) | undefined;
}

type Result = IteratorResult<unknown, undefined>;
type Waiting = [resolve: (result: Result) => void, reject: (error: unknown) => void];

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Iterates over a flow, which it opens with the first `next()`. */
export class FlowIterator implements AsyncIterableIterator<unknown, undefined, undefined> {
  readonly #open: () => FlowReader<unknown>;
  readonly #options: FlowIteratorOptions;
  readonly #waiting: Waiting[] = [];
  #reader: FlowReader<unknown> | undefined;
  #isOver = false;
  /** The error that the next call of `next` throws. */
  #error: [unknown] | undefined;

  constructor(open: () => FlowReader<unknown>, options: FlowIteratorOptions) {
    this.#open = open;
    this.#options = options;
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (!this.#reader && !this.#isOver) this.#start();
      this.#waiting.push([resolve, reject]);
      this.#deliver();
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#finish();
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #start(): void {
    const { signal } = this.#options;
    if (signal?.aborted) {
      this.#abort();
      return;
    }
    this.#reader = this.#open();
    this.#reader.wake = () => this.#deliver();
    signal?.addEventListener("abort", this.#abort);
  }

  readonly #abort = (): void => this.#finish([this.#options.signal!.reason]);

  /** Gives values to the calls of `next` that wait. */
  #deliver(): void {
    while (!this.#isOver && this.#waiting.length > 0) {
      const entry = this.#reader!.take();
      if (!entry) return;
      if (entry.isEnd) this.#finish(entry.error === undefined ? undefined : [entry.error]);
      else this.#give(entry.value);
    }
    if (!this.#isOver) return;
    for (const [resolve, reject] of this.#waiting.splice(0)) {
      if (this.#error) reject(this.#error[0]);
      else resolve(END);
      this.#error = undefined;
    }
  }

  #give(value: unknown): void {
    const { onLost, convert } = this.#options;
    if (value instanceof Error) {
      try {
        if (!onLost || !(value instanceof PublicationsLostError)) throw value;
        onLost(value);
      } catch (error) {
        this.#finish([error]);
      }
      return;
    }
    const [resolve, reject] = this.#waiting.shift()!;
    const give = (converted: unknown): void => resolve({ done: false, value: converted });
    if (convert)
      convert(value).then(give, (error: unknown) => {
        this.#finish();
        reject(error);
      });
    else give(value);
  }

  #finish(error?: [unknown]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#reader?.close();
    this.#deliver();
  }
}
