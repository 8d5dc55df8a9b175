/// <reference lib="esnext.disposable" preserve="true" />
import type { ConsumableQueue, Message, MessageConsumer } from "./message-consumer.ts";

/** The subscription of a listener to the messages of a socket. */
export interface MessageSubscription extends Disposable {
  /** Whether the subscription is paused. */
  readonly isPaused: boolean;
  /**
   * Stops delivery until `resume`. Messages that arrive during the pause wait in a queue. When the queue is
   * full, the peer must wait.
   */
  pause(): void;
  /** Continues delivery. Delivers the messages that waited, in order, before it returns. */
  resume(): void;
  /** Ends the subscription, and drops the messages that wait. */
  cancel(): void;
}

/** Receives the messages of a queue. Its methods must not throw. */
export interface MessageListener {
  onMessage(message: Message): void;
  /** Called when no more messages follow. `error` is the error that ended them, if any. */
  onEnd(error: Error | undefined): void;
  /** Called when the subscription was cancelled. */
  onCancel(): void;
}

/** Passes the messages of a queue to a listener as they arrive. */
export class ListenerSubscription implements MessageSubscription, MessageConsumer {
  readonly #queue: ConsumableQueue;
  readonly #listener: MessageListener;
  /** In `delivering`, a callback is running or will run, so new messages wait. */
  #state: "idle" | "delivering" | "over" = "delivering";
  #isPaused = false;

  constructor(queue: ConsumableQueue, listener: MessageListener) {
    this.#queue = queue;
    this.#listener = listener;
    queueMicrotask(() => {
      if (this.#state !== "over") this.#deliver();
    });
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#state === "idle") this.#deliver();
  }

  cancel(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#queue.discard();
    this.#listener.onCancel();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  accept(message: Message): boolean {
    if (this.#isPaused || this.#state !== "idle") return false;
    this.#state = "delivering";
    this.#listener.onMessage(message);
    // During the callback, the source may have pushed messages, which wait in the queue.
    this.#deliver();
    return true;
  }

  onEnd(): void {
    if (this.#state === "idle") this.#deliver();
  }

  #deliver(): void {
    if (this.#isOver()) return;
    this.#state = "delivering";
    while (!this.#isPaused) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      this.#listener.onMessage(message);
      if (this.#isOver()) return;
    }
    this.#state = "idle";
    if (!this.#isPaused && this.#queue.isExhausted) {
      this.#state = "over";
      this.#listener.onEnd(this.#queue.takeError());
    }
  }

  /** Checked after every callback, because it may have cancelled. */
  #isOver(): boolean {
    return this.#state === "over";
  }
}
