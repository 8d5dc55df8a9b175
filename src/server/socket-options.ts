/** The action for a message to a peer that reads too slowly; see `slowConsumer` of {@link SocketOptions}. */
export type SlowConsumerPolicy = "close" | "drop" | "wait";

/** Limits of the buffers of each socket. */
export interface SocketOptions {
  /**
   * The number of buffered bytes from which `send` returns false, to tell the sender to wait for
   * `drained`. No message is dropped. At most `maxBufferedBytes`, unless `slowConsumer` is `"wait"`.
   * Default: 65,536.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * The number of buffered bytes above which `slowConsumer` applies to the next message. A single message
   * may be larger. Default: 1,048,576 (1 MiB).
   */
  readonly maxBufferedBytes?: number;
  /**
   * The action for a message while more than `maxBufferedBytes` are buffered. Control frames are always
   * sent. Default: `"close"`.
   *
   * - `"close"` drops the message and closes the socket with 1013.
   * - `"drop"` drops the message, and `send` returns false.
   * - `"wait"` sends the message. Memory grows without bound unless every sender waits for `drained`.
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * The size in bytes at which the queue of received messages is full, if it has `maxQueuedMessages`
   * messages or more. With fewer messages, it is full at four times this size. While the queue is full, the
   * server reads no more from the peer. Default: 65,536.
   */
  readonly maxQueuedBytes?: number;
  /** The number of messages at which the queue can be full; see `maxQueuedBytes`. Default: 16. */
  readonly maxQueuedMessages?: number;
}
