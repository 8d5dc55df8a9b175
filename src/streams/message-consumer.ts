/**
 * A received message: a string for a text message, bytes for a binary message. You may keep and change the
 * bytes, but their `buffer` may also contain other messages. To make another view, use `byteOffset` and
 * `byteLength`; to get a separate buffer, use `slice`.
 */
export type Message = string | Uint8Array;

/** Takes messages out of a queue. */
export interface MessageConsumer {
  /** Takes the next message if it can do so at once. Returns whether it did. */
  accept(message: Message): boolean;
  /** No more messages will be pushed. */
  onEnd(): void;
}

/** A message queue as its consumer sees it. */
export interface ConsumableQueue {
  /** Whether the consumer has received every message and no more can follow. */
  readonly isExhausted: boolean;
  /** Removes the oldest message. */
  shift(): Message | undefined;
  /** Drops the waiting messages. The consumer wants no more of them. */
  discard(): void;
  /** Returns the error that ended the messages. Further calls return undefined. */
  takeError(): Error | undefined;
}
