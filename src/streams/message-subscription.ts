/// <reference lib="esnext.disposable" preserve="true" />
import type { ConsumableQueue, Message, MessageConsumer } from "./message-consumer.ts";

/** A listener's hold on the messages of a socket. */
export interface MessageSubscription extends Disposable {
  /** Whether messages are being held back. */
  readonly isPaused: boolean;
  /** Holds messages back until `resume`. None is lost: beyond the queue's bound, the peer waits. */
  pause(): void;
  /** Delivers what was held back, in order and before the call returns, then goes on. */
  resume(): void;
  /** Ends the subscription: nothing is delivered any more, what is held back neither. */
  cancel(): void;
}

/** What a queue tells its listener. What these throw is a bug of the listener's. */
export interface MessageListener {
  onMessage(message: Message): void;
  /** No more messages follow; with the error that they ended in, if any. */
  onEnd(error: Error | undefined): void;
  /** The subscription was cancelled. */
  onCancel(): void;
}

/** Hands out the messages of a queue by callback, as they come. */
export class ListenerSubscription implements MessageSubscription, MessageConsumer {
  readonly #queue: ConsumableQueue;
  readonly #listener: MessageListener;
  /** `delivering`: a callback is running, or due; what comes meanwhile has to wait its turn. */
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
    // What the callback made the source push is waiting in the queue.
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

  /** Asked behind every callback, which may have cancelled. */
  #isOver(): boolean {
    return this.#state === "over";
  }
}
