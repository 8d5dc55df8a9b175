import { TidewayError, UsageError } from "../errors/index.ts";
import { CloseCode } from "../protocol/index.ts";
import type { Message } from "../streams/message-consumer.ts";
import type { MessageSubscription } from "../streams/message-subscription.ts";
import { InvalidMessageError } from "./invalid-message-error.ts";
import {
  checkListener,
  endMessages,
  type MessageListenOptions,
  runHandler,
  type Socket,
} from "./socket.ts";
import type { SchemaResult, StandardSchema } from "./standard-schema.ts";
import { isInstance, isThenable } from "./values.ts";

/** A value out of a message; undefined where the message has ended all messages. */
type Reading<T> = { readonly value: T } | undefined;

/** Makes typed values of a socket's messages, one at a time. */
export class MessageReader<T> {
  readonly socket: Socket;
  readonly #schema: StandardSchema<unknown, T>;

  constructor(socket: Socket, schema: StandardSchema<unknown, T>) {
    this.socket = socket;
    this.#schema = schema;
  }

  /** Never throws or rejects. At once unless the schema is asynchronous. */
  read(message: Message): Reading<T> | Promise<Reading<T>> {
    if (typeof message !== "string") return this.#end(new InvalidMessageError("not text"));
    let value: unknown;
    try {
      value = JSON.parse(message);
    } catch (cause) {
      return this.#end(new InvalidMessageError("not JSON", { cause }));
    }
    try {
      const result = this.#schema["~standard"].validate(value);
      if (!isThenable(result)) return this.#settle(result);
      return Promise.resolve(result)
        .then((settled) => this.#settle(settled))
        .catch((error: unknown) => this.#fail(error, value));
    } catch (error) {
      return this.#fail(error, value);
    }
  }

  /** Standard Schema: a result without issues is a success. An invalid result throws. */
  #settle(result: SchemaResult<T>): Reading<T> {
    if (typeof result !== "object" || result === null) throw invalidResult(result);
    if (!result.issues) {
      if (!("value" in result)) throw invalidResult(result);
      return { value: result.value };
    }
    return this.#end(new InvalidMessageError("not valid", { issues: result.issues }));
  }

  #fail(cause: unknown, value: unknown): undefined {
    // A schema calls itself for each level: the peer can make any of them run out of stack.
    if (isInstance(cause, RangeError) && isNestedDeeperThan(MAX_DEPTH, value)) {
      return this.#end(new InvalidMessageError("nested too deeply", { cause }));
    }
    return this.#end(
      new TidewayError("SCHEMA_FAILED", "the schema could not validate a message", {
        closeCode: CloseCode.InternalError,
        cause,
      }),
    );
  }

  #end(error: TidewayError): undefined {
    endMessages(this.socket, error);
  }
}

function invalidResult(result: unknown): UsageError {
  const shown = typeof result === "object" && result !== null ? "an object" : String(typeof result);
  return new UsageError(
    "INVALID_SCHEMA_RESULT",
    `validate of the schema returned ${shown} with neither a value nor issues (Standard Schema 1)`,
  );
}

/** Arrays and objects within each other that a schema must be able to bear. */
const MAX_DEPTH = 100;

function isNestedDeeperThan(depth: number, value: unknown): boolean {
  let level = [value].filter(isObject);
  for (let at = 0; at < depth; at++)
    level = level.flatMap((item) => Object.values(item)).filter(isObject);
  return level.length > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Iterates over the values in a socket's messages, taking one only when it is asked for. */
export class TypedIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #messages: AsyncIterableIterator<Message, undefined>;
  readonly #reader: MessageReader<T>;
  /** The latest result: the next message is not taken before. */
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /** @throws UsageError `ALREADY_CONSUMED` */
  constructor(reader: MessageReader<T>) {
    this.#reader = reader;
    this.#messages = reader.socket[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const result = this.#last.then(this.#readNext, this.#readNext);
    this.#last = result;
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    await this.#messages.return?.();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #readNext = async (): Promise<IteratorResult<T, undefined>> => {
    const result = await this.#messages.next();
    if (result.done === true) return result;
    let reading = this.#reader.read(result.value);
    // What is there already is not waited for: that would cost each message a turn of microtasks.
    if (isThenable(reading)) reading = await reading;
    if (this.#isOver) return END;
    if (reading !== undefined) return { done: false, value: reading.value };
    // Throws the error in which the messages have ended.
    await this.#messages.next();
    return END;
  };
}

/** Hands out the values in a socket's messages by callback. */
export class TypedSubscription<T> implements MessageSubscription {
  readonly #reader: MessageReader<T>;
  readonly #onMessage: (value: T) => unknown;
  /** Paused also while a message is being validated, so that the next one waits. */
  readonly #messages: MessageSubscription;
  #state: "idle" | "validating" | "validated" | "delivering" | "over" = "idle";
  /** What has been validated, but came to a listener that had paused. */
  #held: Reading<T>;
  #isPaused = false;

  /** @throws UsageError `ALREADY_CONSUMED`, `INVALID_LISTENER` */
  constructor(
    reader: MessageReader<T>,
    onMessage: (value: T) => unknown,
    options: MessageListenOptions<TidewayError>,
  ) {
    this.#reader = reader;
    checkListener(onMessage);
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
    this.#held = undefined;
    this.#messages.cancel();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  /** Its result, like what it throws, is the listener's. */
  #take(message: Message): unknown {
    const reading = this.#reader.read(message);
    if (!isThenable(reading)) {
      return reading === undefined ? undefined : this.#onMessage(reading.value);
    }
    this.#state = "validating";
    this.#messages.pause();
    void reading.then((held) => {
      if (this.#state === "over") return;
      this.#state = "validated";
      this.#held = held;
      if (!this.#isPaused) this.#deliver();
    });
    return undefined;
  }

  #deliver(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#state = "delivering";
    if (held !== undefined) runHandler(this.#reader.socket, () => this.#onMessage(held.value));
    if (this.#isOver()) return;
    this.#state = "idle";
    if (!this.#isPaused) this.#messages.resume();
  }

  /** Asked behind the callback, which may have cancelled. */
  #isOver(): boolean {
    return this.#state === "over";
  }
}
