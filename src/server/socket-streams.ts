import { UsageError } from "../errors/index.ts";
import { CloseCode } from "../protocol/index.ts";
import type { Message } from "../streams/message-queue.ts";
import type { SendData } from "./send-data.ts";
import type { Socket } from "./socket.ts";

/** What `addStream` takes: anything to be iterated over, `ReadableStream` included. */
export type SendSource = AsyncIterable<SendData> | Iterable<SendData> | ReadableStream<SendData>;

/** The messages of `socket` as a stream that holds none of them itself. */
export function readableOf(socket: Socket): ReadableStream<Message> {
  const messages = socket[Symbol.asyncIterator]();
  return new ReadableStream<Message>(
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
export function writableOf(socket: Socket): WritableStream<SendData> {
  return new WritableStream<SendData>({
    start(controller) {
      void socket.done.then(async () => {
        // What `drained` rejects with says how the connection ended.
        await socket.drained.catch((error: unknown) => controller.error(error));
      });
    },
    async write(chunk) {
      if (!socket.send(chunk)) await socket.drained;
    },
    async close() {
      socket.close();
      await socket.done;
    },
    abort() {
      socket.close(CloseCode.InternalError);
    },
  });
}

/**
 * Sends what `source` yields until it ends, it throws, or the connection ends.
 *
 * @throws UsageError `INVALID_SOURCE` if `source` cannot be iterated over.
 */
export function pipeToSocket(source: SendSource, socket: Socket): Promise<void> {
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
        if (!isOver) await sendItem(socket, result.value).catch(stop);
      }
    };
    // What the source itself throws is passed on without telling it to stop.
    pump().catch(reject);
    // A source that is silent for long must not hide the end of the connection.
    void socket.done.then(() => socket.drained.catch(stop));
  });
}

async function finish(items: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await items.return?.();
  } catch {
    // How a source fails when it is no longer wanted concerns nobody.
  }
}

async function sendItem(socket: Socket, item: SendData): Promise<void> {
  if (!socket.send(item)) await socket.drained;
}

function iteratorOf(source: SendSource): AsyncIterator<SendData> | Iterator<SendData> {
  // A string can be iterated over, but was hardly meant to be sent character by character.
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new UsageError("INVALID_SOURCE", "the source is neither iterable nor a ReadableStream");
}
