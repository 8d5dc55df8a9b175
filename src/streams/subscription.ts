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
 * more can come, and returns what stops it. It MUST NOT call either one before it returns.
 */
export type EventSource<T> = (onEvent: (event: T) => void, onDone: () => void) => () => void;

/** A subscription to an `EventSource`. */
export class SourceSubscription<T> implements Subscription {
  readonly #onEvent: (event: T) => void;
  readonly #onDone: (() => void) | undefined;
  readonly #stop: () => void;
  readonly #held = new Fifo<T>();
  #isPaused = false;
  #isDelivering = false;
  #state: "running" | "ended" | "over" = "running";

  constructor(source: EventSource<T>, onEvent: (event: T) => void, onDone?: () => void) {
    this.#onEvent = onEvent;
    this.#onDone = onDone;
    this.#stop = source(
      (event) => {
        if (this.#state === "over") return;
        this.#held.push(event);
        this.#deliver();
      },
      () => {
        if (this.#state === "over") return;
        this.#state = "ended";
        this.#deliver();
      },
    );
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  cancel(): void {
    this.#state = "over";
    this.#held.clear();
    this.#stop();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  #deliver(): void {
    // An event that comes while another is being handled waits for its turn.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (!this.#isPaused && this.#held.size > 0) {
      try {
        this.#onEvent(this.#held.shift() as T);
      } catch (error) {
        // As with EventTarget: the listener's error is reported, and the next event is delivered.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    this.#isDelivering = false;
    if (this.#state === "ended" && !this.#isPaused) {
      this.cancel();
      this.#onDone?.();
    }
  }
}
