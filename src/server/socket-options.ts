/** What becomes of a message for a peer that reads too slowly; see {@link SocketOptions}. */
export type SlowConsumerPolicy = "close" | "drop" | "wait";

/** Limits of one socket. Each has a safe default. */
export interface SocketOptions {
  /**
   * Where `send` begins to return false, in bytes that have not left for the kernel. Nothing is
   * lost there: it is the sign to wait for `drained`. Default 65,536.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * How many bytes may wait for a slow peer before `slowConsumer` applies to the next message.
   * Default 1 MiB. A single message may be larger than this.
   */
  readonly maxBufferedBytes?: number;
  /**
   * What happens to a message for which `maxBufferedBytes` leaves no room: `"close"` closes the
   * socket with 1013 and drops the message; `"drop"` drops the message, and `send` returns false;
   * `"wait"` lets memory grow without bound unless every sender waits for `drained`. Control
   * frames are exempt. Default `"close"`.
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * How many bytes of received messages may wait for the handler, or `maxQueuedMessages` of them
   * if that is more (at most four times as many bytes), before the peer has to wait. Default 65,536.
   */
  readonly maxQueuedBytes?: number;
  /** See `maxQueuedBytes`. Default 16. */
  readonly maxQueuedMessages?: number;
}
