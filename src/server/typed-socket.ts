import type { CloseInfo, ReadyState } from "../connection/connection.ts";
import type { TidewayError } from "../errors/index.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";
import type { MessageSubscription } from "../streams/message-subscription.ts";
import type { SendData, SendOptions } from "./send-data.ts";
import type { MessageListenOptions, Socket } from "./socket.ts";
import type { SendSource } from "./socket-streams.ts";

/**
 * The socket of a route with a schema. It receives values that the schema has validated, and sends
 * values. On the wire, both are JSON in text messages.
 *
 * ```ts
 * for await (const move of socket) socket.send({ type: "moved", to: move.to });
 * ```
 *
 * An invalid message closes the connection, drops the messages after it, and ends the messages with
 * `InvalidMessageError`, whose `closeCode` says why. If the schema throws or rejects, the socket closes
 * with 1011, the messages end with TidewayError `SCHEMA_FAILED`, and `onError` of the server gets it.
 *
 * Like those of a {@link Socket}, the messages have one consumer. They are validated one at a time
 * when the consumer asks for them. An async schema keeps their order, and makes the peer wait like a
 * slow consumer does.
 */
export interface TypedSocket<Received, Sent = unknown> extends AsyncIterable<Received> {
  /** The socket with text and bytes as messages. It shares its one consumer with this socket. */
  readonly socket: Socket;

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

  /** The round-trip time of the latest answered ping; see `latencyMs` of a {@link Socket}. */
  readonly latencyMs: number | undefined;

  /** Resolves when the connection has ended. Never rejects. */
  readonly done: Promise<CloseInfo>;

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with `ConnectionClosedError`
   * if the connection has ended or ends first. An unhandled rejection of it is not reported.
   */
  readonly drained: Promise<void>;

  /** All values as a stream. The first use of this property makes the stream the consumer. */
  readonly readable: ReadableStream<Received>;

  /** Sends each chunk as a message, at the peer's pace. Closing it closes the socket with 1000. */
  readonly writable: WritableStream<Sent>;

  /**
   * The values, in order. The loop ends when the connection is closed with 1000, 1001 or 1005. For any
   * other end it throws `InvalidMessageError`, TidewayError `SCHEMA_FAILED` or `ConnectionClosedError`.
   * Leaving the loop early closes the connection with 1000, unless the handler throws.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received, undefined>;

  /**
   * Calls `onMessage` for each value, in order, from the next turn on. If it throws or rejects, the
   * socket closes as if the handler had thrown. Cancelling closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer;
   *   `INVALID_LISTENER` if `onMessage` or a callback in `options` is not a function.
   */
  listen(
    onMessage: (value: Received) => unknown,
    options?: MessageListenOptions<TidewayError>,
  ): MessageSubscription;

  /**
   * Sends a value as JSON in a text message, without validation. Returns false if you should wait for
   * `drained`, and if the message was dropped, like `send` of a {@link Socket}.
   *
   * Sends the result of `prepare` unchanged: use `prepare(JSON.stringify(value))` for many sockets.
   *
   * @throws UsageError `INVALID_DATA` if JSON cannot express `value`.
   */
  send(value: Sent | PreparedMessage, options?: SendOptions): boolean;

  /** Like `send` without a result, for code that waits for `drained` anyway. */
  add(value: Sent | PreparedMessage, options?: SendOptions): void;

  /**
   * Sends each item of `source`, at the peer's pace. Resolves when the source has ended. Rejects with
   * the error of the source, or with `ConnectionClosedError` if the connection ends first; then the
   * iterator's `return` is called.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` is not iterable.
   */
  addStream(source: SendSource<Sent>): Promise<void>;

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
