/// <reference lib="esnext.disposable" preserve="true" />
import { type EventStreamSource, subscribe } from "./subscription.ts";

/**
 * The maximum number of events that wait for a slow iterator. If more arrive, the iterator yields the waiting
 * events and then throws, because it must not drop events silently.
 */
const MAX_WAITING_EVENTS = 65_536;

type Result<T> = IteratorResult<T, undefined>;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * An iterator over events. It listens until the stream ends, `return` is called, or the iterator is disposed
 * of.
 */
export interface EventIterator<T> extends AsyncIterableIterator<T, undefined>, AsyncDisposable {
  /** Stops listening and drops the waiting events. */
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Iterates over the events of a source. Its subscription is paused except while a call of `next` waits. */
export function iterate<T>(source: EventStreamSource<T>): EventIterator<T> {
  const readers: ((result: Result<T> | Promise<never>) => void)[] = [];
  let isOver = false;

  /** Rejects the first waiting reader, if there is an error, and ends all others. */
  const end = (error?: Error): void => {
    isOver = true;
    if (error !== undefined) readers.shift()!(Promise.reject(error));
    for (const reader of readers) reader(END);
  };
  const subscription = subscribe(
    source,
    (value) => {
      readers.shift()!({ done: false, value });
      if (!readers.length) subscription.pause();
    },
    end as (error?: unknown) => void,
    MAX_WAITING_EVENTS,
  );
  subscription.pause();
  const stop = async (): Promise<typeof END> => {
    subscription.cancel();
    end();
    return END;
  };
  return {
    next: async () =>
      isOver
        ? END
        : new Promise((resolve) => {
            readers.push(resolve);
            subscription.resume();
          }),
    return: stop,
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: stop as () => Promise<never>,
  };
}
