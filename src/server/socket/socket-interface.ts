import type { CloseInfo, ReadyState } from "../../connection/connection.ts";
import type { ConnectionClosedError, TidewayError } from "../../errors/index.ts";
import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import type { Message } from "../../streams/message-consumer.ts";
import type { MessageSubscription } from "../../streams/message-subscription.ts";
import type { SendData, SendOptions } from "./message-data.ts";
import type { SendSource } from "./socket-streams.ts";

/** Options of `socket.listen`: callbacks for the end of the messages. */
export interface MessageListenOptions<Failure extends TidewayError = ConnectionClosedError> {
  /** Called once after the last message, however the connection ended. Not called after `cancel`. */
  readonly onDone?: () => void;
  /** Called with the error, before `onDone`, unless the connection was closed with 1000, 1001 or 1005. */
  readonly onError?: (error: Failure) => void;
}

/**
 * The server's end of a WebSocket connection. It is an async iterable of the received messages, and sends
 * messages, with backpressure in both directions.
 *
 * The messages have one consumer: one `for await` loop, one call of `listen`, or `readable`. Messages that
 * arrive before the consumer wait in a queue. When the queue is full, the server stops reading from the
 * connection, and the peer must wait.
 *
 * A handler that only sends must call `socket.listen(() => {})`. Without a consumer, the queue fills up, and
 * the server no longer processes the peer's pings and Close frame. When such a socket ends, the server
 * reports UsageError `SOCKET_NOT_READ` to `onError`, once for each route.
 *
 * @example
 * ```ts
 * for await (const message of socket) {
 *   if (!socket.send(message)) await socket.drained;
 * }
 * ```
 */
export interface Socket extends AsyncIterable<Message> {
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

  /**
   * The round-trip time in milliseconds of the latest answered ping, or undefined before the first answer.
   * The time includes the transfer of data that was sent before the ping. The heartbeat pings only a silent
   * peer; call `ping` to measure the time for an active peer. A peer can delay its answers, so do not trust
   * this value.
   */
  readonly latencyMs: number | undefined;

  /** Resolves with the close code and reason when the connection has ended. Never rejects. */
  readonly done: Promise<CloseInfo>;

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with
   * {@link ConnectionClosedError} if the connection has ended, or ends first. If you ignore the promise, its
   * rejection does not count as unhandled.
   */
  readonly drained: Promise<void>;

  /** The messages as a stream. The first access to this property makes the stream the consumer. */
  readonly readable: ReadableStream<Message>;

  /**
   * A stream that sends each chunk as a message and waits for `drained`. Closing the stream closes the
   * connection with 1000.
   */
  readonly writable: WritableStream<SendData>;

  /**
   * Iterates over the messages, in order. The loop ends when the connection is closed with 1000, 1001 or
   * 1005, and throws {@link ConnectionClosedError} for any other end. Leaving the loop early closes the
   * connection with 1000, unless the handler throws or closes the socket in the same turn of the event loop.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined>;

  /**
   * Calls `onMessage` for each message, in order, starting in the next turn of the event loop. If `onMessage`
   * throws or rejects, the socket closes with 1011 and the server's `onError` gets the error. `cancel` on the
   * returned subscription closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer, or `INVALID_LISTENER` if
   *   `onMessage` or a callback in `options` is not a function
   */
  listen(
    onMessage: (message: Message) => unknown,
    options?: MessageListenOptions,
  ): MessageSubscription;

  /**
   * Sends a message: a string as text, bytes as binary, or the result of `prepare`. Returns false if you
   * should wait for `drained` before you send more. It also returns false if it dropped the message, because
   * of `slowConsumer` or because the connection is not open.
   *
   * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes
   */
  send(data: SendData | PreparedMessage, options?: SendOptions): boolean;

  /**
   * Sends a message like `send`, but returns nothing.
   *
   * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes
   */
  add(data: SendData | PreparedMessage, options?: SendOptions): void;

  /**
   * Sends each item of `source` as a message, and waits for `drained` when `send` returns false. Resolves
   * when the source has ended, and rejects with the error that the source throws. If the connection ends
   * first, it calls the iterator's `return` and rejects with {@link ConnectionClosedError}.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` is not iterable
   */
  addStream(source: SendSource): Promise<void>;

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
