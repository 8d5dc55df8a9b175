import { TidewayError } from "../errors/index.ts";
import { type EventIterator, iterate } from "./event-iterator.ts";
import { type EventStreamSource, subscribe, type Subscription } from "./subscription.ts";

export interface ListenOptions {
  /**
   * Called once when no more events can follow, but not after `cancel`. `error` is the error that a loop
   * throws. `reason` is the error that `first` rejects with, for example because the socket has closed.
   */
  readonly onDone?: (error?: unknown, reason?: unknown) => void;
}

/**
 * A stream of events, for any number of listeners. Events are not replayed: attach listeners before you await
 * anything else. The stream listens to its source only while it has listeners.
 *
 * ```ts
 * const subscription = socket.onMessage.listen((event) => show(event.data));
 * for await (const event of socket.onMessage) show(event.data);
 * const { code } = await socket.onClose.first;
 * await socket.onOpen.until(AbortSignal.timeout(5000)).first;
 * ```
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #source: EventStreamSource<T>;

  constructor(source: EventStreamSource<T>) {
    this.#source = source;
  }

  /** Calls `onEvent` for each event from now on. An error that it throws is reported as uncaught. */
  listen(onEvent: (event: T) => void, options?: ListenOptions): Subscription {
    return subscribe(this.#source, onEvent, options?.onDone);
  }

  /**
   * Resolves with the next event. Each access to this property waits for the first event after the access.
   *
   * Rejects if the stream ends before the next event: with a `ConnectionClosedError` for a socket, with the
   * signal's reason after `until`, and otherwise with TidewayError `STREAM_ENDED`. If you ignore the promise,
   * its rejection does not count as unhandled.
   */
  get first(): Promise<T> {
    const first = new Promise<T>((resolve, reject) => {
      const subscription = subscribe(
        this.#source,
        (event) => {
          subscription.cancel();
          resolve(event);
        },
        (_, reason = new TidewayError("STREAM_ENDED", "no event: listen earlier")) =>
          reject(reason as Error),
      );
    });
    first.catch(() => {});
    return first;
  }

  /**
   * Returns a stream of the events for which `test` returns true. If `test` throws, the error is reported as
   * uncaught, and the event is left out.
   */
  where<S extends T>(test: (event: T) => event is S): EventStream<S>;
  where(test: (event: T) => unknown): EventStream<T>;
  where(test: (event: T) => unknown): EventStream<T> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => test(event) && onEvent(event), onDone),
    );
  }

  /**
   * Returns a stream of the results of `convert`. If `convert` throws, the error is reported as uncaught, and
   * the event is left out.
   */
  map<S>(convert: (event: T) => S): EventStream<S> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => onEvent(convert(event)), onDone),
    );
  }

  /**
   * Returns a stream of the events until `signal` aborts. Then a loop throws the signal's reason, and `first`
   * rejects with it.
   */
  until(signal: AbortSignal): EventStream<T> {
    return new EventStream((onEvent, onDone) => {
      const stop = this.#source(onEvent, onDone);
      const onAbort = (): void => onDone(signal.reason);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) queueMicrotask(onAbort);
      return () => {
        signal.removeEventListener("abort", onAbort);
        stop();
      };
    });
  }

  /**
   * Iterates over the events from this call on, until the stream ends. Each iterator buffers up to 65,536
   * events that arrive while its loop is busy. If more arrive, it yields the buffered events and then throws
   * TidewayError `EVENT_OVERFLOW`.
   */
  [Symbol.asyncIterator](): EventIterator<T> {
    return iterate(this.#source);
  }
}
