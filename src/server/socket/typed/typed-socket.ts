import type { CloseInfo, ReadyState } from "../../../connection/connection.ts";
import type { TidewayError } from "../../../errors/index.ts";
import type { PreparedMessage } from "../../../protocol/prepared-message.ts";
import type { MessageSubscription } from "../../../streams/message-subscription.ts";
import type { SendData, SendOptions } from "../message-data.ts";
import type { SendSource } from "../socket-streams.ts";
import type { MessageListenOptions, Socket } from "../socket-interface.ts";

/**
 * The socket of a route with a `schema`. It receives validated values, and sends values. On the wire, both
 * are JSON in text messages.
 *
 * An invalid message closes the connection with 1003 or 1007. The messages then end with
 * `InvalidMessageError`, and messages after the invalid one are dropped. If the schema throws or rejects, the
 * socket closes with 1011, the messages end with TidewayError `SCHEMA_FAILED`, and the server's `onError`
 * gets that error.
 *
 * As with a {@link Socket}, the messages have one consumer. The schema validates one message at a time, when
 * the consumer asks for it. An async schema keeps the order of the messages, and makes the peer wait while
 * it validates.
 *
 * @example
 * ```ts
 * for await (const move of socket) socket.send({ type: "moved", to: move.to });
 * ```
 */
export interface TypedSocket<Received, Sent = unknown> extends AsyncIterable<Received> {
  /** The same socket with strings and bytes as messages. Both share one consumer of the messages. */
  readonly socket: Socket;

  /** The negotiated subprotocol, or an empty string. */
  readonly protocol: string;

  /** The negotiated extensions, as in the `Sec-WebSocket-Extensions` header, or an empty string. */
  readonly extensions: string;

  /** The state of the connection: 1 open, 2 closing, 3 closed, as in the WHATWG interface. */
  readonly readyState: ReadyState;

  /**
   * The number of bytes that were passed to `send` and that the kernel has not accepted yet. It includes
   * framing, and counts messages with their size before compression.
   */
  readonly bufferedAmount: number;

  /** The round-trip time in milliseconds of the latest answered ping; see `latencyMs` in {@link Socket}. */
  readonly latencyMs: number | undefined;

  /** Resolves with the close code and reason when the connection has ended. Never rejects. */
  readonly done: Promise<CloseInfo>;

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with `ConnectionClosedError` if
   * the connection has ended, or ends first. If you ignore the promise, its rejection does not count as
   * unhandled.
   */
  readonly drained: Promise<void>;

  /** The values as a stream. The first access to this property makes the stream the consumer. */
  readonly readable: ReadableStream<Received>;

  /**
   * A stream that sends each chunk as a message and waits for `drained`. Closing the stream closes the
   * connection with 1000.
   */
  readonly writable: WritableStream<Sent>;

  /**
   * Iterates over the values, in order. The loop ends when the connection is closed with 1000, 1001 or 1005.
   * For any other end it throws `InvalidMessageError`, TidewayError `SCHEMA_FAILED` or
   * `ConnectionClosedError`. Leaving the loop early closes the connection with 1000, unless the handler
   * throws or closes the socket in the same turn of the event loop.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received, undefined>;

  /**
   * Calls `onMessage` for each value, in order, starting in the next turn of the event loop. If `onMessage`
   * throws or rejects, the socket closes with 1011 and the server's `onError` gets the error. `cancel` on the
   * returned subscription closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer, or `INVALID_LISTENER` if
   *   `onMessage` or a callback in `options` is not a function
   */
  listen(
    onMessage: (value: Received) => unknown,
    options?: MessageListenOptions<TidewayError>,
  ): MessageSubscription;

  /**
   * Sends a value as JSON in a text message, without validation. Returns false if you should wait for
   * `drained` before you send more. It also returns false if it dropped the message, like `send` in
   * {@link Socket}.
   *
   * To send a value to many sockets, pass `prepare(JSON.stringify(value))`, which is sent unchanged.
   *
   * @throws UsageError `INVALID_DATA` if JSON cannot express `value`
   */
  send(value: Sent | PreparedMessage, options?: SendOptions): boolean;

  /**
   * Sends a value like `send`, but returns nothing.
   *
   * @throws UsageError `INVALID_DATA` if JSON cannot express `value`
   */
  add(value: Sent | PreparedMessage, options?: SendOptions): void;

  /**
   * Sends each item of `source` as a message, and waits for `drained` when `send` returns false. Resolves
   * when the source has ended, and rejects with the error that the source throws. If the connection ends
   * first, it calls the iterator's `return` and rejects with `ConnectionClosedError`.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` is not iterable
   */
  addStream(source: SendSource<Sent>): Promise<void>;

  /**
   * Sends a ping. The peer answers with a pong, after which `latencyMs` has the round-trip time.
   *
   * @param payload at most 125 bytes (RFC 6455 5.5); default empty
   * @throws UsageError `INVALID_DATA`, `CONTROL_TOO_BIG`
   */
  ping(payload?: SendData): void;

  /**
   * Closes the connection with a closing handshake (RFC 6455 7). Has no effect if the handshake has
   * started already. Messages that arrived before can still be read; later ones are dropped.
   *
   * @param code 1000-1014 except 1004-1006 and 1010, or 3000-4999; default 1000
   * @param reason at most 123 bytes of UTF-8; default empty
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`
   */
  close(code?: number, reason?: string): void;

  /** Drops the connection at once, without a closing handshake. `done` resolves with the code 1006. */
  terminate(): void;
}
