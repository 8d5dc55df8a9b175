import { TidewayError } from "../errors/index.ts";
import { EventIterator } from "./event-iterator.ts";
import { type EventSource, SourceSubscription, type Subscription } from "./subscription.ts";

export interface ListenOptions {
  /** Called once when no more events can come; not after `cancel`. */
  readonly onDone?: () => void;
}

/**
 * Events as they happen, for any number of listeners; one who listens later has missed the earlier
 * ones. Nothing is attached to the source before somebody listens.
 *
 * ```ts
 * const subscription = socket.onMessage.listen((event) => show(event.data));
 * for await (const event of socket.onMessage) show(event.data);
 * const { code } = await socket.onClose.first;
 * ```
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #source: EventSource<T>;

  constructor(source: EventSource<T>) {
    this.#source = source;
  }

  /** Calls `onEvent` for each event from now on. What it throws is reported as an uncaught error. */
  listen(onEvent: (event: T) => void, { onDone }: ListenOptions = {}): Subscription {
    return new SourceSubscription(this.#source, onEvent, onDone);
  }

  /**
   * The next event. Each read of this property waits for an event of its own.
   *
   * Rejects with the code `STREAM_ENDED` when the stream ends without one; a rejection that nobody
   * looks at is not reported.
   */
  get first(): Promise<T> {
    const first = new Promise<T>((resolve, reject) => {
      const subscription = this.listen(
        (event) => {
          subscription.cancel();
          resolve(event);
        },
        { onDone: () => reject(new TidewayError("STREAM_ENDED", "ended without an event")) },
      );
    });
    first.catch(() => {});
    return first;
  }

  /**
   * Iterates over the events from this call on, until the stream ends. Every iterator buffers the
   * events that come while its loop is busy, at most 65,536; after those it throws with the code
   * `EVENT_OVERFLOW`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return new EventIterator(this.#source);
  }
}
