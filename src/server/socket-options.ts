/** What happens to a message for a peer that reads too slowly; see {@link SocketOptions}. */
export type SlowConsumerPolicy = "close" | "drop" | "wait";

/** Limits of one socket. Each has a safe default. */
export interface SocketOptions {
  /**
   * `send` returns false while at least this many bytes wait for the kernel. Nothing is dropped: wait
   * for `drained`. Default 65,536.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * `slowConsumer` applies to the next message while more than this many bytes wait for the peer. A
   * single message may be larger. Default 1,048,576 (1 MiB).
   */
  readonly maxBufferedBytes?: number;
  /**
   * What happens to a message above `maxBufferedBytes`: `"close"` closes the socket with 1013 and drops
   * the message; `"drop"` drops the message, and `send` returns false; `"wait"` sends it, so memory
   * grows without bound unless every sender waits for `drained`. Control frames are always sent.
   * Default `"close"`.
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * The peer must wait when this many bytes of received messages, or `maxQueuedMessages` messages,
   * wait for the handler, whichever is more; at most four times this many bytes. Default 65,536.
   */
  readonly maxQueuedBytes?: number;
  /** See `maxQueuedBytes`. Default 16. */
  readonly maxQueuedMessages?: number;
}
