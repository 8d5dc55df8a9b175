/// <reference lib="esnext.disposable" preserve="true" />
import { TidewayError } from "../errors/index.ts";

/** The subscription of a listener to a stream. */
export interface Subscription extends Disposable {
  /** Whether the subscription is paused. */
  readonly isPaused: boolean;

  /**
   * Stops delivery until `resume`. Events that arrive during the pause wait in a queue without a limit,
   * because a source of events cannot be paused. A second call has no effect.
   */
  pause(): void;

  /** Continues delivery. Delivers the events that waited, in order, before it returns. */
  resume(): void;

  /** Ends the subscription, and drops the events that wait. */
  cancel(): void;
}

/**
 * A function that starts a source of events. The source calls `onEvent` for each event, and `onDone` when no
 * more can follow. The function returns another function, which stops the source. It MUST NOT call `onEvent`
 * or `onDone` before it returns. The returned function is also called after `onDone`.
 *
 * `error` is the error that ended the events, if any; a loop throws it. `reason` is the error that `first`
 * rejects with. It may be present without `error`, because the end of the events is not an error for every
 * loop.
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
 * @param maxQueued the maximum number of events that may wait. If more arrive, the stream ends with an error
 */
export function subscribe<T>(
  source: EventStreamSource<T>,
  onEvent: (event: T) => void,
  onDone?: (error?: unknown, reason?: unknown) => void,
  maxQueued: number = Infinity,
): Subscription {
  /** A linked list of waiting events. Its first item is a placeholder for the latest delivered event. */
  let head: QueuedEvent<T> = {};
  let tail = head;
  let queuedCount = 0;
  /** Undefined while more events may follow. Otherwise, it runs after the last event. */
  let finish: (() => void) | undefined;
  let isPaused = false;
  let isDelivering = false;

  const deliver = (): void => {
    // An event that arrives while another event is being delivered waits.
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
