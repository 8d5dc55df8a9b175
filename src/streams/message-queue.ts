import { UsageError } from "../errors/index.ts";
import type { ConsumableQueue, Message, MessageConsumer } from "./message-consumer.ts";
import { MessageIterator } from "./message-iterator.ts";
import {
  type MessageListener,
  ListenerSubscription,
  type MessageSubscription,
} from "./message-subscription.ts";

/** Where messages come from, and which can be told to wait: a `Connection`, for one. */
export interface PausableSource {
  pause(): void;
  /** May push at once what it has held back. */
  resume(): void;
}

/** The bounds of a {@link MessageQueue}. */
export interface MessageQueueOptions {
  /** In bytes, a text counted by its length; default 65,536. */
  readonly maxBytes?: number | undefined;
  /** Default 16. */
  readonly maxMessages?: number | undefined;
}

/** What a message of no bytes at all still costs: a flood of them must fill a queue too. */
const BYTES_PER_MESSAGE = 64;

/**
 * A source that has ended hands out what it still holds without waiting, until it is told so again
 * at this. A read of 64 KiB costs less, unless its messages were compressed.
 */
const MAX_LAST_BYTES = 1_048_576;

/**
 * Turns messages that come by themselves into messages that are asked for. It keeps what comes
 * before its consumer does. Once it holds `maxBytes` or `maxMessages`, whichever is more, though
 * never more than four times `maxBytes`, the source has to wait until half of that is gone.
 *
 * There is one consumer: only one call of `iterate` or `listen` succeeds.
 */
export class MessageQueue implements ConsumableQueue {
  readonly #source: PausableSource;
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  /** Undefined where nothing waits: most sockets are idle, and have a consumer that takes at once. */
  #messages: Fifo<Message> | undefined;
  #bytes = 0;
  #isSourcePaused = false;
  #consumer: MessageConsumer | undefined;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(source: PausableSource, options: MessageQueueOptions = {}) {
    this.#source = source;
    this.#maxBytes = options.maxBytes ?? 65_536;
    this.#maxMessages = options.maxMessages ?? 16;
  }

  /** Whether there is a consumer, or has been one. */
  get isTaken(): boolean {
    return this.#consumer !== undefined;
  }

  /** Whether the queue is full, so that the source waits, and there was never a consumer. */
  get isUnread(): boolean {
    return this.#isSourcePaused && this.#consumer === undefined;
  }

  /** Whether the consumer has had every message, and no more can come. */
  get isExhausted(): boolean {
    return this.#hasEnded && this.#isEmpty;
  }

  /** Takes in a message; ignored after `end` and `discard`. */
  push(message: Message): void {
    if (this.#hasEnded) return;
    if (this.#isEmpty && this.#consumer?.accept(message) === true) return;
    this.#messages ??= new Fifo();
    this.#messages.push(message);
    this.#bytes += costOf(message);
    if (this.#bytes < this.#maxBytes || !this.#isTooMuch()) return;
    this.#isSourcePaused = true;
    this.#source.pause();
  }

  /** Lets no more messages in. Behind those that wait, the consumer finds the end, or `error`. */
  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#consumer?.onEnd();
  }

  /**
   * Drops what waits and lets the source run: nobody will ask for more. The consumer finds the end,
   * or `error`, also where the queue has ended otherwise before.
   */
  discard(error?: Error): void {
    this.#messages = undefined;
    this.#bytes = 0;
    if (this.#hasEnded) this.#error = error;
    else this.end(error);
    this.#resumeSource();
  }

  /**
   * Becomes the consumer by iteration. A loop that is left early discards the queue, and then calls
   * `onCancel`.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one.
   */
  iterate(onCancel?: () => void): AsyncIterableIterator<Message, undefined> {
    this.#checkFree();
    const iterator = new MessageIterator(this, onCancel);
    this.#consumer = iterator;
    return iterator;
  }

  /**
   * Becomes the consumer by callbacks. None of them is called before this returns.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one.
   */
  listen(listener: MessageListener): MessageSubscription {
    this.#checkFree();
    const subscription = new ListenerSubscription(this, listener);
    this.#consumer = subscription;
    return subscription;
  }

  /** Takes the oldest message out; for the consumer. */
  shift(): Message | undefined {
    const message = this.#messages?.shift();
    if (message === undefined) return undefined;
    this.#bytes -= costOf(message);
    if (this.#isSourcePaused && this.#fullness() <= 0.5) this.#resumeSource();
    return message;
  }

  /** The error that the messages ended in, handed out once; for the consumer. */
  takeError(): Error | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  #checkFree(): void {
    if (this.#consumer === undefined) return;
    throw new UsageError("ALREADY_CONSUMED", "the messages have a consumer already");
  }

  get #isEmpty(): boolean {
    return this.#messages === undefined || this.#messages.size === 0;
  }

  #isTooMuch(): boolean {
    if (!this.#isSourcePaused) return this.#fullness() >= 1;
    return this.#bytes >= Math.max(MAX_LAST_BYTES, 4 * this.#maxBytes);
  }

  #resumeSource(): void {
    if (!this.#isSourcePaused) return;
    this.#isSourcePaused = false;
    this.#source.resume();
  }

  #fullness(): number {
    const byBytes = this.#bytes / this.#maxBytes;
    return Math.max(Math.min(byBytes, this.#messages!.size / this.#maxMessages), byBytes / 4);
  }
}

function costOf(message: Message): number {
  return BYTES_PER_MESSAGE + (typeof message === "string" ? message.length : message.byteLength);
}

/** A queue whose `push` and `shift` take constant time, however long it grows. */
class Fifo<T> {
  #incoming: T[] = [];
  /** In reverse, so that the oldest is popped. */
  #outgoing: T[] = [];

  get size(): number {
    return this.#incoming.length + this.#outgoing.length;
  }

  push(item: T): void {
    this.#incoming.push(item);
  }

  /** Takes the oldest item; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#outgoing.length === 0) {
      this.#outgoing = this.#incoming.reverse();
      this.#incoming = [];
    }
    return this.#outgoing.pop();
  }
}
