import { UsageError } from "../../errors/index.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import { describeValue, type SendData } from "./message-data.ts";

/** A source of messages for `addStream`: an iterable, an async iterable, or a `ReadableStream`. */
export type SendSource<T = SendData> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/** The part of a socket that sends messages of type `T`. */
export interface MessageSink<T> {
  readonly done: Promise<unknown>;
  /** Rejects once the connection has ended. */
  readonly drained: Promise<void>;
  /** Returns false if the caller should wait for `drained`. */
  send(item: T): boolean;
  close(code?: number): void;
}

/** Turns the messages of a socket into a stream without another queue. */
export function readableOf<T>(messages: AsyncIterator<T, undefined>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const result = await messages.next();
        if (result.done === true) controller.close();
        else controller.enqueue(result.value);
      },
      async cancel() {
        await messages.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Creates a stream that sends each chunk as a message. */
export function writableOf<T>(sink: MessageSink<T>): WritableStream<T> {
  return new WritableStream<T>({
    start(controller) {
      void sink.done.then(async () => {
        // `drained` rejects with the error that describes the end.
        await sink.drained.catch((error: unknown) => controller.error(error));
      });
    },
    async write(chunk) {
      if (!sink.send(chunk)) await sink.drained;
    },
    async close() {
      sink.close();
      await sink.done;
    },
    abort() {
      sink.close(CloseCode.InternalError);
    },
  });
}

/**
 * Sends the items of `source` until it ends or throws, or until the connection ends.
 *
 * @throws UsageError `INVALID_SOURCE` if `source` is not iterable
 */
export function pipeTo<T>(sink: MessageSink<T>, source: SendSource<T>): Promise<void> {
  const items = iteratorOf(source);
  return new Promise((resolve, reject) => {
    let isOver = false;
    const stop = (error: Error): void => {
      if (isOver) return;
      isOver = true;
      reject(error);
      // Not awaited, because the source may never return from `next`.
      void finish(items);
    };
    const pump = async (): Promise<void> => {
      while (!isOver) {
        const result = await items.next();
        if (result.done === true) {
          isOver = true;
          return resolve();
        }
        if (!isOver) await sendItem(sink, result.value).catch(stop);
      }
    };
    // A source that has thrown needs no `return`.
    pump().catch(reject);
    // Detects the end of the connection while the source yields nothing.
    void sink.done.then(() => sink.drained.catch(stop));
  });
}

async function finish(items: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await items.return?.();
  } catch {
    // The promise has been rejected already, with the error of the connection.
  }
}

async function sendItem<T>(sink: MessageSink<T>, item: T): Promise<void> {
  if (!sink.send(item)) await sink.drained;
}

function iteratorOf<T>(source: SendSource<T>): AsyncIterator<T> | Iterator<T> {
  // Strings are iterable, but a message for each character is almost certainly a mistake.
  if (typeof source === "object" && source !== null) {
    const { [Symbol.asyncIterator]: iterateAsync, [Symbol.iterator]: iterate } = source as Partial<
      AsyncIterable<T> & Iterable<T>
    >;
    if (typeof iterateAsync === "function") return iterateAsync.call(source);
    if (typeof iterate === "function") return iterate.call(source);
  }
  throw new UsageError(
    "INVALID_SOURCE",
    `addStream: the source is ${describeValue(source)}; it must be iterable, or a ReadableStream`,
  );
}
