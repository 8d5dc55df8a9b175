import { TidewayError } from "../errors/index.ts";
import { type EventIterator, iterate } from "./event-iterator.ts";
import { type EventStreamSource, subscribe, type Subscription } from "./subscription.ts";

export interface ListenOptions {
  /**
   * Called once when no more events can come, but not after `cancel`. `error` is what a loop throws.
   * `reason` is what `first` rejects with, such as how a socket was closed.
   */
  readonly onDone?: (error?: unknown, reason?: unknown) => void;
}

/**
 * Events as they happen, for any number of listeners. Events are not replayed: attach listeners before you
 * await anything else. Nothing is attached to the source before the first listener.
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
   * The next event. Each read of this property waits for a separate event.
   *
   * Rejects if the stream ends without an event: for a socket with a `ConnectionClosedError`, after
   * `until` with the signal's reason, otherwise with the code `STREAM_ENDED`. An unhandled rejection is
   * not reported.
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

  /** The events for which `test` is true. If it throws, the error is reported and the event left out. */
  where<S extends T>(test: (event: T) => event is S): EventStream<S>;
  where(test: (event: T) => unknown): EventStream<T>;
  where(test: (event: T) => unknown): EventStream<T> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => test(event) && onEvent(event), onDone),
    );
  }

  /** The results of `convert`. If it throws, the error is reported and the event left out. */
  map<S>(convert: (event: T) => S): EventStream<S> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => onEvent(convert(event)), onDone),
    );
  }

  /** The events until `signal` is aborted. Then a loop throws the signal's reason, and so does `first`. */
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
   * events that come while its loop is busy. With one more, it yields those and then throws a
   * `TidewayError` with the code `EVENT_OVERFLOW`.
   */
  [Symbol.asyncIterator](): EventIterator<T> {
    return iterate(this.#source);
  }
}
