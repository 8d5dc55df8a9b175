/**
 * How `send` treats a message to a peer that reads too slowly; see `slowConsumer` in {@link SocketOptions}.
 */
export type SlowConsumerPolicy = "close" | "drop" | "wait";

/** Limits for the buffers of each socket. */
export interface SocketOptions {
  /**
   * While at least this many bytes are buffered, `send` returns false to tell the sender to wait for
   * `drained`. It still sends the message. At most `maxBufferedBytes`, unless `slowConsumer` is `"wait"`.
   * Default: 65,536.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * While more than this many bytes are buffered, `slowConsumer` decides what happens to the next message. A
   * single message may be larger than this limit. Default: 1,048,576 (1 MiB).
   */
  readonly maxBufferedBytes?: number;
  /**
   * How `send` treats a message while more than `maxBufferedBytes` are buffered. Control frames are always
   * sent. Default: `"close"`.
   *
   * - `"close"` drops the message and closes the socket with 1013.
   * - `"drop"` drops the message, and `send` returns false.
   * - `"wait"` sends the message. Memory grows without bound unless every sender waits for `drained`.
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * The size in bytes at which the queue of received messages is full, if it holds at least
   * `maxQueuedMessages` messages. With fewer messages, the queue is full at four times this size. While it is
   * full, the server stops reading from the peer. Default: 65,536.
   */
  readonly maxQueuedBytes?: number;
  /** The minimum number of messages for the queue to be full at `maxQueuedBytes`. Default: 16. */
  readonly maxQueuedMessages?: number;
}
