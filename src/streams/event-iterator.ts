/// <reference lib="esnext.disposable" preserve="true" />
import { type EventStreamSource, subscribe } from "./subscription.ts";

/**
 * How many events wait for one slow iterator. The next one overflows: the iterator hands out what
 * waits, then throws, because dropping an event in silence would be worse.
 */
const MAX_WAITING_EVENTS = 65_536;

type Result<T> = IteratorResult<T, undefined>;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** An iterator over events, which listens until it is returned, or disposed of. */
export interface EventIterator<T> extends AsyncIterableIterator<T, undefined>, AsyncDisposable {
  /** Stops listening; what waits is discarded. */
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Iterates over the events of a source: a subscription that runs only while somebody waits. */
export function iterate<T>(source: EventStreamSource<T>): EventIterator<T> {
  const readers: ((result: Result<T> | Promise<never>) => void)[] = [];
  let isOver = false;

  /** Tells the error to the first who waits; for all others the events have ended. */
  const end = (error?: Error): void => {
    isOver = true;
    let result = error === undefined ? END : Promise.reject(error);
    for (const reader of readers.splice(0)) {
      reader(result);
      result = END;
    }
  };
  const subscription = subscribe(
    source,
    (value) => {
      readers.shift()!({ done: false, value });
      if (readers.length === 0) subscription.pause();
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
