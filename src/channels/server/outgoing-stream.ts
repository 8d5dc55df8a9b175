import { UsageError } from "../../errors/index.ts";
import { CallContext } from "./call-context.ts";

/** Whether there is room in a connection. */
interface Room {
  readonly isFull: boolean;
}

/** An iterator with methods that may return promises. */
interface AnyIterator {
  next(): unknown;
  return?(): unknown;
}

/** A stream with a running handler: its iterator, and the credit of its reader. */
export class OutgoingStream {
  readonly context: CallContext;
  /** The number of bytes that the client has room for. */
  credit: number;
  #isCancelled = false;
  #iterator: AnyIterator | undefined;
  #wake: (() => void) | undefined;

  constructor(context: CallContext, credit: number) {
    this.context = context;
    this.credit = credit;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Starts to iterate. @throws UsageError `INVALID_STREAM` if `items` is not iterable */
  open(items: unknown): void {
    const source = Object(items) as Partial<
      Record<typeof Symbol.asyncIterator | typeof Symbol.iterator, () => AnyIterator>
    >;
    const iterate = source[Symbol.asyncIterator] ?? source[Symbol.iterator];
    if (typeof iterate !== "function" || typeof items === "string") {
      throw new UsageError(
        "INVALID_STREAM",
        `channels: the handler of the stream ${JSON.stringify(CallContext.callOf(this.context).name)} must return an async iterable, such as an async generator`,
      );
    }
    this.#iterator = iterate.call(source);
    // The client cancelled it while the handler was running.
    if (this.#isCancelled) this.#return();
  }

  /** Takes the next item. Throws what the handler throws. */
  async next(): Promise<IteratorResult<unknown, unknown>> {
    return (await this.#iterator!.next()) as IteratorResult<unknown, unknown>;
  }

  /** Resolves when the client and the connection have room, or the stream is cancelled. */
  async room(connection: Room): Promise<void> {
    while (!this.#isCancelled && (this.credit <= 0 || connection.isFull)) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Checks again whether there is room. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Aborts the signal of the handler, and ends its iterator. A second call has no effect. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    CallContext.abort(this.context);
    this.#return();
    this.wake();
  }

  /** Errors are ignored, because the client has cancelled the stream. */
  #return(): void {
    try {
      Promise.resolve(this.#iterator?.return?.()).catch(() => {});
    } catch {
      // An iterator that is not a generator may throw.
    }
  }
}
