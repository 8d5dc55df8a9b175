/**
 * A whole message: text as a string, binary as bytes. These are the receiver's own, but their `buffer`
 * may hold other messages beside them: make a view by `byteOffset` and `byteLength`, or by `slice`.
 */
export type Message = string | Uint8Array;

/** What takes messages out of a queue. */
export interface MessageConsumer {
  /** Takes `message`, the next one, if it can do so at once; returns whether it did. */
  accept(message: Message): boolean;
  /** No more messages will be pushed. */
  onEnd(): void;
}

/** A message queue as its consumer sees it. */
export interface ConsumableQueue {
  /** Whether the consumer has had every message, and no more can come. */
  readonly isExhausted: boolean;
  /** Removes the oldest message. */
  shift(): Message | undefined;
  /** Drops the waiting messages. The consumer wants no more of them. */
  discard(): void;
  /** Returns the error that ended the messages. Further calls return undefined. */
  takeError(): Error | undefined;
}
