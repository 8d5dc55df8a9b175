import type { CloseInfo, ReadyState } from "../connection/connection.ts";
import type { ConnectionClosedError, TidewayError } from "../errors/index.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";
import type { Message } from "../streams/message-consumer.ts";
import type { MessageSubscription } from "../streams/message-subscription.ts";
import type { SendData, SendOptions } from "./send-data.ts";
import type { SendSource } from "./socket-streams.ts";

/** Callbacks for the end of the messages; see `listen` of a {@link Socket}. */
export interface MessageListenOptions<Failure extends TidewayError = ConnectionClosedError> {
  /** Called once after the last message, however the connection ended. Not called after `cancel`. */
  readonly onDone?: () => void;
  /** Called before `onDone` unless the connection was closed with 1000, 1001 or 1005. */
  readonly onError?: (error: Failure) => void;
}

/**
 * The server's end of a WebSocket connection: an async iterable of the received messages and a sink
 * for messages to send, with backpressure in both directions.
 *
 * ```ts
 * for await (const message of socket) {
 *   if (!socket.send(message)) await socket.drained;
 * }
 * ```
 *
 * Messages have one consumer: one `for await` loop, one call of `listen`, or `readable`. Earlier
 * messages wait in a queue. When the queue is full, the socket stops reading and the peer must wait.
 *
 * A socket without a consumer stays open and answers pings and the peer's Close until its queue is
 * full. After that it reads nothing, not even a Close. If you only send, call
 * `socket.listen(() => {})`. The first such socket of a route is reported to `onError` when it ends, as
 * UsageError `SOCKET_NOT_READ`.
 */
export interface Socket extends AsyncIterable<Message> {
  /** The negotiated subprotocol, or the empty string. */
  readonly protocol: string;

  /** The negotiated extensions as in the header field, or the empty string. */
  readonly extensions: string;

  /** 1 while open, 2 while closing, 3 when closed: the numbers of the WHATWG interface. */
  readonly readyState: ReadyState;

  /**
   * The number of sent bytes that the kernel has not accepted yet. Includes framing. Messages count
   * with their length before compression.
   */
  readonly bufferedAmount: number;

  /**
   * The round-trip time of the latest answered ping in milliseconds, including the time for data that
   * was sent before it. Undefined before the first answer. The heartbeat pings only a silent peer; call
   * `ping` to measure an active one. The peer decides when it answers, so do not trust this value.
   */
  readonly latencyMs: number | undefined;

  /** Resolves when the connection has ended. Never rejects. */
  readonly done: Promise<CloseInfo>;

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with
   * {@link ConnectionClosedError} if the connection has ended or ends first, so that a loop that sends
   * ends too. An unhandled rejection of it is not reported.
   */
  readonly drained: Promise<void>;

  /** All messages as a stream. The first use of this property makes the stream the consumer. */
  readonly readable: ReadableStream<Message>;

  /** Sends each chunk as a message, at the peer's pace. Closing it closes the socket with 1000. */
  readonly writable: WritableStream<SendData>;

  /**
   * The messages, in order. The loop ends when the connection is closed with 1000, 1001 or 1005, and
   * throws {@link ConnectionClosedError} for any other end. Leaving the loop early closes the
   * connection with 1000, unless the handler throws or closes the socket in the same turn.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined>;

  /**
   * Calls `onMessage` for each message, in order, from the next turn on. If it throws or rejects, the
   * socket closes as if the handler had thrown. Cancelling closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer;
   *   `INVALID_LISTENER` if `onMessage` or a callback in `options` is not a function.
   */
  listen(
    onMessage: (message: Message) => unknown,
    options?: MessageListenOptions,
  ): MessageSubscription;

  /**
   * Sends a message: a string as text, bytes as binary, or the result of `prepare`. Returns false if
   * you should wait for `drained`, if the slow-consumer policy dropped the message, or if the
   * connection is not open, which drops the message too.
   *
   * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes.
   */
  send(data: SendData | PreparedMessage, options?: SendOptions): boolean;

  /** Like `send` without a result, for code that waits for `drained` anyway. */
  add(data: SendData | PreparedMessage, options?: SendOptions): void;

  /**
   * Sends each item of `source` as a message, at the peer's pace. Resolves when the source has ended.
   * Rejects with the error of the source, or with {@link ConnectionClosedError} if the connection ends
   * first; then the iterator's `return` is called.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` is not iterable.
   */
  addStream(source: SendSource): Promise<void>;

  /** Sends a ping of at most 125 bytes. @throws UsageError `INVALID_DATA`, `PING_TOO_BIG` */
  ping(payload?: SendData): void;

  /**
   * Starts the closing handshake. Has no effect if it has started already. Messages that were received
   * before can still be read; later ones are dropped.
   *
   * @param code 1000-1014 except 1004-1006 and 1010, or 3000-4999; default 1000.
   * @param reason At most 123 bytes of UTF-8; default empty.
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`
   */
  close(code?: number, reason?: string): void;

  /** Drops the connection at once, without a closing handshake. It ends with 1006. */
  terminate(): void;
}
