import { UsageError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";
import type { SendData } from "./send-data.ts";

/** What `addStream` takes: anything to be iterated over, `ReadableStream` included. */
export type SendSource<T = SendData> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/** Where messages are sent to: a socket, whatever it takes for a message. */
export interface MessageSink<T> {
  readonly done: Promise<unknown>;
  /** Rejects once the connection has ended. */
  readonly drained: Promise<void>;
  /** Returns false when it is time to wait for `drained`. */
  send(item: T): boolean;
  close(code?: number): void;
}

/** The messages of a socket as a stream that holds none of them itself. */
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

/** A stream of which every chunk is sent as a message. */
export function writableOf<T>(sink: MessageSink<T>): WritableStream<T> {
  return new WritableStream<T>({
    start(controller) {
      void sink.done.then(async () => {
        // What `drained` rejects with says how the connection ended.
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
 * Sends what `source` yields until it ends, it throws, or the connection ends.
 *
 * @throws UsageError `INVALID_SOURCE` if `source` cannot be iterated over.
 */
export function pipeTo<T>(sink: MessageSink<T>, source: SendSource<T>): Promise<void> {
  const items = iteratorOf(source);
  return new Promise((resolve, reject) => {
    let isOver = false;
    const stop = (error: Error): void => {
      if (isOver) return;
      isOver = true;
      reject(error);
      // The source may be in the middle of `next`, so nothing waits for it, and it is on its own.
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
    // What the source itself throws is passed on without telling it to stop.
    pump().catch(reject);
    // A source that is silent for long must not hide the end of the connection.
    void sink.done.then(() => sink.drained.catch(stop));
  });
}

async function finish(items: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await items.return?.();
  } catch {
    // How a source fails when it is no longer wanted concerns nobody.
  }
}

async function sendItem<T>(sink: MessageSink<T>, item: T): Promise<void> {
  if (!sink.send(item)) await sink.drained;
}

function iteratorOf<T>(source: SendSource<T>): AsyncIterator<T> | Iterator<T> {
  // A string can be iterated over, but was hardly meant to be sent character by character.
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new UsageError("INVALID_SOURCE", "the source is neither iterable nor a ReadableStream");
}
