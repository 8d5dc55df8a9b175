import { UsageError } from "../errors/index.ts";
import { Fifo } from "./fifo.ts";
import type { ConsumableQueue, Message, MessageConsumer } from "./message-consumer.ts";
import { MessageIterator } from "./message-iterator.ts";
import {
  type MessageListener,
  ListenerSubscription,
  type MessageSubscription,
} from "./message-subscription.ts";

/** A source of messages that the queue can pause, such as a `Connection`. */
export interface PausableSource {
  pause(): void;
  /** During the call, the source may push messages that arrived while it was paused. */
  resume(): void;
}

/** The bounds of a {@link MessageQueue}. */
export interface MessageQueueOptions {
  /** The maximum size in bytes; text counts by its length in UTF-16 units. Default: 65,536. */
  readonly maxBytes?: number | undefined;
  /** The number of messages below which the queue may exceed `maxBytes`. Default: 16. */
  readonly maxMessages?: number | undefined;
}

/** The default of `maxBytes`, and of the option `maxQueuedBytes` of a route. */
export const DEFAULT_MAX_QUEUED_BYTES = 65_536;

/** The cost of an empty message, so that a flood of empty messages fills the queue too. */
const BYTES_PER_MESSAGE = 64;

/**
 * A source that has ended pushes its remaining messages even if it is paused. If more than this many bytes
 * wait, the source is paused again. The messages of a 64 KiB read exceed this only if they were compressed.
 */
const MAX_LAST_BYTES = 1_048_576;

/**
 * A bounded queue between a source that pushes messages and a consumer that takes them. It keeps messages
 * until there is a consumer. The queue is full when it holds at least `maxBytes` and `maxMessages`, or four
 * times `maxBytes`. Then it pauses the source, and resumes it when the queue is half full.
 *
 * It has only one consumer: only the first call of `iterate` or `listen` succeeds.
 */
export class MessageQueue implements ConsumableQueue {
  readonly #source: PausableSource;
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  /** Undefined until a message must wait, because most consumers accept each message at once. */
  #messages: Fifo<Message> | undefined;
  #bytes = 0;
  #isSourcePaused = false;
  #consumer: MessageConsumer | undefined;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(source: PausableSource, options: MessageQueueOptions = {}) {
    this.#source = source;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_QUEUED_BYTES;
    this.#maxMessages = options.maxMessages ?? 16;
  }

  /** Whether there is or was a consumer. */
  get isTaken(): boolean {
    return this.#consumer !== undefined;
  }

  /** Whether the queue is full, so that the source waits, and there was never a consumer. */
  get isUnread(): boolean {
    return this.#isSourcePaused && this.#consumer === undefined;
  }

  /** Whether the consumer has received every message and no more can follow. */
  get isExhausted(): boolean {
    return this.#hasEnded && this.#isEmpty;
  }

  /** Adds a message. Ignored after `end` and `discard`. */
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

  /** Accepts no more messages. After the waiting messages, the consumer gets the end, or `error`. */
  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#consumer?.onEnd();
  }

  /**
   * Drops the waiting messages and resumes the source. The consumer gets the end, or `error`, even if the
   * queue has ended in another way before.
   */
  discard(error?: Error): void {
    this.#messages = undefined;
    this.#bytes = 0;
    if (this.#hasEnded) this.#error = error;
    else this.end(error);
    this.#resumeSource();
  }

  /**
   * Makes an iterator the consumer. Leaving a loop early discards the queue, and then calls `onCancel`.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the queue has or had a consumer
   */
  iterate(onCancel?: () => void): AsyncIterableIterator<Message, undefined> {
    this.#checkFree();
    const iterator = new MessageIterator(this, onCancel);
    this.#consumer = iterator;
    return iterator;
  }

  /**
   * Makes a listener the consumer. Its callbacks never run before this method returns.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the queue has or had a consumer
   */
  listen(listener: MessageListener): MessageSubscription {
    this.#checkFree();
    const subscription = new ListenerSubscription(this, listener);
    this.#consumer = subscription;
    return subscription;
  }

  /** Removes the oldest message. Only the consumer calls this. */
  shift(): Message | undefined {
    const message = this.#messages?.shift();
    if (message === undefined) return undefined;
    this.#bytes -= costOf(message);
    if (this.#isSourcePaused && this.#fullness() <= 0.5) this.#resumeSource();
    return message;
  }

  /** Returns the error that ended the messages, once. Only the consumer calls this. */
  takeError(): Error | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  #checkFree(): void {
    if (this.#consumer === undefined) return;
    throw new UsageError(
      "ALREADY_CONSUMED",
      "the messages already have a consumer; use only one for await loop, one call of listen, or readable",
    );
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
