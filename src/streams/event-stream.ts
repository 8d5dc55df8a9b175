import { TidewayError } from "../errors/index.ts";
import { type EventIterator, iterate } from "./event-iterator.ts";
import { type EventStreamSource, subscribe, type Subscription } from "./subscription.ts";

export interface ListenOptions {
  /**
   * Called once when no more events can come; not after `cancel`. A loop throws `error`. `first` rejects
   * with `reason`, such as how a socket was closed.
   */
  readonly onDone?: (error?: unknown, reason?: unknown) => void;
}

/**
 * Events as they happen, for any number of listeners; one who listens later has missed the earlier
 * ones. Nothing is attached to the source before somebody listens.
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

  /** Calls `onEvent` for each event from now on. What it throws is reported as an uncaught error. */
  listen(onEvent: (event: T) => void, options?: ListenOptions): Subscription {
    return subscribe(this.#source, onEvent, options?.onDone);
  }

  /**
   * The next event. Each read of this property waits for an event of its own.
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

  /** The events for which `test` is true. What it throws is reported, and the event left out. */
  where<S extends T>(test: (event: T) => event is S): EventStream<S>;
  where(test: (event: T) => unknown): EventStream<T>;
  where(test: (event: T) => unknown): EventStream<T> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => test(event) && onEvent(event), onDone),
    );
  }

  /** What `convert` makes of each event. What it throws is reported, and the event left out. */
  map<S>(convert: (event: T) => S): EventStream<S> {
    return new EventStream((onEvent, onDone) =>
      this.#source((event) => onEvent(convert(event)), onDone),
    );
  }

  /** The events until `signal` is aborted: then a loop throws its reason, as `first` does. */
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
   * Iterates over the events from this call on, until the stream ends. Every iterator buffers the
   * events that come while its loop is busy, at most 65,536; after those it throws with the code
   * `EVENT_OVERFLOW`.
   */
  [Symbol.asyncIterator](): EventIterator<T> {
    return iterate(this.#source);
  }
}
