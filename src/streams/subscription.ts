/// <reference lib="esnext.disposable" preserve="true" />
import { TidewayError } from "../errors/index.ts";

/** The subscription of a listener to a stream. */
export interface Subscription extends Disposable {
  /** Whether events are being held back. */
  readonly isPaused: boolean;

  /**
   * Holds events back until `resume`. None is lost, and their number is not bounded, because a source of
   * events cannot be paused. Pausing twice is the same as pausing once.
   */
  pause(): void;

  /** Delivers the events that were held back, in order, before it returns, and then continues. */
  resume(): void;

  /** Ends the subscription. Events that are held back are dropped. */
  cancel(): void;
}

/**
 * The source of an event stream. It starts to pass events to `onEvent`, calls `onDone` when no more can
 * come, and returns a function that stops it. It MUST NOT call either one before it returns. The returned
 * function is also called after `onDone`.
 *
 * `error` is the error that ended the events, if any; a loop throws it. `reason` is why no more events can
 * come, even if that is not an error for a loop; `first` rejects with it.
 */
export type EventStreamSource<T> = (
  onEvent: (event: T) => unknown,
  onDone: (error?: unknown, reason?: unknown) => void,
) => () => void;

interface QueuedEvent<T> {
  event?: T | undefined;
  next?: QueuedEvent<T>;
}

/**
 * Subscribes to a source. Errors that `onEvent` throws are reported as for a listener of an EventTarget.
 *
 * @param maxQueued how many events may wait. One more ends the stream with an error
 */
export function subscribe<T>(
  source: EventStreamSource<T>,
  onEvent: (event: T) => void,
  onDone?: (error?: unknown, reason?: unknown) => void,
  maxQueued: number = Infinity,
): Subscription {
  /** A linked list of waiting events. Its first item is the event delivered last, and empty. */
  let head: QueuedEvent<T> = {};
  let tail = head;
  let queuedCount = 0;
  /** Undefined while more events may come; then runs after the last event. */
  let finish: (() => void) | undefined;
  let isPaused = false;
  let isDelivering = false;

  const deliver = (): void => {
    // An event that comes while another is being delivered waits for its turn.
    if (isDelivering) return;
    isDelivering = true;
    while (!isPaused && head.next) {
      queuedCount--;
      head = head.next;
      try {
        onEvent(head.event!);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
      head.event = undefined;
    }
    isDelivering = false;
    if (!isPaused) finish?.();
  };
  const end = (error?: unknown, reason = error): void => {
    if (finish) return;
    finish = () => {
      cancel();
      onDone?.(error, reason);
    };
    deliver();
  };
  const stop = source((event) => {
    if (finish) return;
    if (queuedCount++ < maxQueued) {
      tail = tail.next = { event };
      deliver();
    } else {
      stop();
      end(new TidewayError("EVENT_OVERFLOW", `${maxQueued} events wait`));
    }
  }, end);
  const cancel = (): void => {
    finish = () => {};
    head = tail = {};
    stop();
  };
  return {
    get isPaused() {
      return isPaused;
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      deliver();
    },
    cancel,
    [Symbol.dispose]: cancel,
  };
}
