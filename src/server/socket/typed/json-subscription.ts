import type { TidewayError } from "../../../errors/index.ts";
import { isThenable } from "../../../schema/values.ts";
import type { Message } from "../../../streams/message-consumer.ts";
import type { MessageSubscription } from "../../../streams/message-subscription.ts";
import { checkListener } from "../socket-arguments.ts";
import type { MessageListenOptions } from "../socket-interface.ts";
import type { JsonReader, Reading } from "./json-reader.ts";

/** Passes the values of a typed socket to a callback. */
export class JsonSubscription<T> implements MessageSubscription {
  readonly #reader: JsonReader<T>;
  readonly #onMessage: (value: T) => unknown;
  /** Also paused during async validation, so that the next message waits. */
  readonly #messages: MessageSubscription;
  #state: "idle" | "validating" | "validated" | "delivering" | "over" = "idle";
  /** The result of async validation until its delivery. */
  #reading: Reading<T>;
  #isPaused = false;

  /** @throws UsageError `ALREADY_CONSUMED`, `INVALID_LISTENER` */
  constructor(
    reader: JsonReader<T>,
    onMessage: (value: T) => unknown,
    options: MessageListenOptions<TidewayError>,
  ) {
    this.#reader = reader;
    checkListener(onMessage, options);
    this.#onMessage = onMessage;
    this.#messages = reader.socket.listen((message) => this.#take(message), options);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
    this.#messages.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#state === "validated") this.#deliver();
    else if (this.#state === "idle") this.#messages.resume();
  }

  cancel(): void {
    this.#state = "over";
    this.#reading = undefined;
    this.#messages.cancel();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  /** Returns the result of the callback, so that the caller handles its rejection. */
  #take(message: Message): unknown {
    const reading = this.#reader.read(message);
    if (!isThenable(reading)) {
      return reading === undefined ? undefined : this.#onMessage(reading.value);
    }
    this.#state = "validating";
    this.#messages.pause();
    void reading.then((settled) => {
      if (this.#state === "over") return;
      this.#state = "validated";
      this.#reading = settled;
      if (!this.#isPaused) this.#deliver();
    });
    return undefined;
  }

  #deliver(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    this.#state = "delivering";
    if (reading !== undefined) this.#reader.socket.runCallback(this.#onMessage, reading.value);
    if (this.#isOver()) return;
    this.#state = "idle";
    if (!this.#isPaused) this.#messages.resume();
  }

  /**
   * A method, because the callback may have called `cancel`, but TypeScript would narrow `#state` without it.
   */
  #isOver(): boolean {
    return this.#state === "over";
  }
}
