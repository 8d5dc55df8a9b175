/**
 * A received message: a string for a text message, bytes for a binary message. You may keep and change the
 * bytes, but their `buffer` may also contain other messages. To make another view, use `byteOffset` and
 * `byteLength`; to get a separate buffer, use `slice`.
 */
export type Message = string | Uint8Array;

/** Takes messages out of a queue. */
export interface MessageConsumer {
  /**
   * Accepts the next message if the consumer can handle it at once. Returns whether it accepted the message.
   */
  accept(message: Message): boolean;
  /** Called when no more messages will be pushed. */
  onEnd(): void;
}

/** The part of a message queue that its consumer uses. */
export interface ConsumableQueue {
  /** Whether the consumer has received every message and no more can follow. */
  readonly isExhausted: boolean;
  /** Removes the oldest message. */
  shift(): Message | undefined;
  /** Drops the waiting messages, because the consumer has stopped. */
  discard(): void;
  /** Returns the error that ended the messages. Further calls return undefined. */
  takeError(): Error | undefined;
}
