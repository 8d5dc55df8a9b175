import { TidewayError } from "../errors/index.ts";
import { Fifo } from "./fifo.ts";

/** One listener's hold on a stream. */
export interface Subscription extends Disposable {
  /** Whether events are being held back. */
  readonly isPaused: boolean;

  /**
   * Holds events back until `resume`; none is lost. What is held is not bounded: a source of
   * events cannot be told to wait. Pausing twice is pausing once.
   */
  pause(): void;

  /** Delivers what was held back, in order and before the call returns, then goes on. */
  resume(): void;

  /** Ends the subscription: nothing is delivered any more, what is held back neither. */
  cancel(): void;
}

/**
 * Where a stream's events come from: starts handing events to `onEvent`, calls `onDone` when no
 * more can come, with an error if that is why, and returns what stops it. It MUST NOT call either
 * one before it returns. It is stopped also after `onDone`.
 */
export type EventSource<T> = (
  onEvent: (event: T) => unknown,
  onDone: (error?: unknown) => void,
) => () => void;

/**
 * Subscribes to a source. What `onEvent` throws is reported, as for a listener of an EventTarget.
 *
 * @param maxHeld how many events may be held back; one more ends the stream with an error
 */
export function subscribe<T>(
  source: EventSource<T>,
  onEvent: (event: T) => void,
  onDone?: (error?: unknown) => void,
  maxHeld: number = Infinity,
): Subscription {
  let held = new Fifo<T>();
  /** Whether more events may come. */
  let isOpen = true;
  /** What is to be done behind the last event, once no more can come. */
  let finish: (() => void) | undefined;
  let isPaused = false;
  let isDelivering = false;

  const deliver = (): void => {
    // An event that comes while another is being handled waits for its turn.
    if (isDelivering) return;
    isDelivering = true;
    while (!isPaused && held.size > 0) {
      try {
        onEvent(held.shift() as T);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    isDelivering = false;
    if (!isPaused) finish?.();
  };
  const end = (error?: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    finish = () => {
      cancel();
      onDone?.(error);
    };
    deliver();
  };
  const stop = source((event) => {
    if (!isOpen) return;
    if (held.size < maxHeld) {
      held.push(event);
      deliver();
    } else {
      stop();
      end(new TidewayError("EVENT_OVERFLOW", `${maxHeld} events wait`));
    }
  }, end);
  const cancel = (): void => {
    isOpen = false;
    finish = undefined;
    held = new Fifo();
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
