import type { CloseInfo, ReadyState } from "../connection/connection.ts";
import { type TidewayError, UsageError } from "../errors/index.ts";
import type { MessageSubscription } from "../streams/message-subscription.ts";
import { PreparedMessage } from "../protocol/prepared-message.ts";
import type { SendData, SendOptions } from "./send-data.ts";
import type { MessageListenOptions, Socket } from "./socket.ts";
import { pipeTo, readableOf, type SendSource, writableOf } from "./socket-streams.ts";
import type { StandardSchema } from "./standard-schema.ts";
import { MessageReader, TypedIterator, TypedSubscription } from "./typed-messages.ts";

/**
 * A {@link Socket} of a route with a schema: what it receives are values that the schema has
 * validated, and what it sends are values too. On the wire, both are JSON in text messages.
 *
 * ```ts
 * for await (const move of socket) socket.send({ type: "moved", to: move.to });
 * ```
 *
 * A message that is invalid closes the connection, drops what came behind it, and ends the messages
 * with `InvalidMessageError`, which says by which code. A schema that throws or rejects does the
 * same with 1011 and TidewayError `SCHEMA_FAILED`, and is reported to `onError` of the server.
 *
 * Messages have one consumer, as those of a `Socket`, and are validated one by one as it asks for
 * them: an asynchronous schema keeps their order, and makes the peer wait like a slow consumer.
 */
export class TypedSocket<Received, Sent = unknown> implements AsyncIterable<Received> {
  /** The socket below, whose messages are text and bytes; both have the same one consumer. */
  readonly socket: Socket;
  readonly #reader: MessageReader<Received>;
  #readable: ReadableStream<Received> | undefined;
  #writable: WritableStream<Sent> | undefined;

  constructor(socket: Socket, schema: StandardSchema<unknown, Received>) {
    this.socket = socket;
    this.#reader = new MessageReader(socket, schema);
  }

  /** The subprotocol agreed upon, or the empty string. */
  get protocol(): string {
    return this.socket.protocol;
  }

  /** The extensions agreed upon, as in the header field, or the empty string. */
  get extensions(): string {
    return this.socket.extensions;
  }

  /** 1 while open, 2 while closing, 3 when closed: the numbers of the WHATWG interface. */
  get readyState(): ReadyState {
    return this.socket.readyState;
  }

  /**
   * Bytes that were sent but have not left for the kernel: framing included, and messages as long
   * as they were before compression.
   */
  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  /**
   * How long the latest ping to be answered was under way, in milliseconds; undefined before the
   * first. See `latencyMs` of a `Socket`.
   */
  get latencyMs(): number | undefined {
    return this.socket.latencyMs;
  }

  /** How the connection ended, once it has. Never rejects. */
  get done(): Promise<CloseInfo> {
    return this.socket.done;
  }

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with
   * `ConnectionClosedError` when the connection ends first, or has ended; a rejection that nobody
   * looks at is not reported.
   */
  get drained(): Promise<void> {
    return this.socket.drained;
  }

  /** All values, in a stream; being the consumer from the first use of this property on. */
  get readable(): ReadableStream<Received> {
    this.#readable ??= readableOf(this[Symbol.asyncIterator]());
    return this.#readable;
  }

  /** A stream that sends what is written to it, at the peer's pace; closing it closes with 1000. */
  get writable(): WritableStream<Sent> {
    this.#writable ??= writableOf<Sent>(this);
    return this.#writable;
  }

  /**
   * The values, in order. The loop ends when the connection is closed with 1000, 1001 or 1005, and
   * throws `InvalidMessageError` or, as that of a `Socket`, `ConnectionClosedError` otherwise.
   * Leaving it early closes the connection with 1000, unless the handler throws.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received, undefined> {
    return new TypedIterator(this.#reader);
  }

  /**
   * Calls `onMessage` for every value, in order, from the next turn on. What it throws, or rejects
   * with, counts as thrown by the handler. Cancelling closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one;
   *   `INVALID_LISTENER` if `onMessage` is no function.
   */
  listen(
    onMessage: (value: Received) => unknown,
    options: MessageListenOptions<TidewayError> = {},
  ): MessageSubscription {
    return new TypedSubscription(this.#reader, onMessage, options);
  }

  /**
   * Sends a value, as JSON in a text message. It is not validated. Returns false when it is time to
   * wait for `drained`, and when the message has been dropped, as `send` of a `Socket`.
   *
   * What `prepare` has made is sent as it is: `prepare(JSON.stringify(value))`, for many sockets.
   *
   * @throws UsageError `INVALID_DATA` if JSON cannot express `value`.
   */
  send(value: Sent | PreparedMessage, options?: SendOptions): boolean {
    if (value instanceof PreparedMessage) return this.socket.send(value, options);
    return this.socket.send(toJson(value), options);
  }

  /** As `send`, for those who look at `drained` rather than at a result. */
  add(value: Sent | PreparedMessage, options?: SendOptions): void {
    this.send(value, options);
  }

  /**
   * Sends every item of `source`, at the peer's pace. Resolves when the source has ended. Rejects
   * with what the source throws, or with `ConnectionClosedError` if the connection ends first; the
   * source is told to stop then.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` cannot be iterated over.
   */
  addStream(source: SendSource<Sent>): Promise<void> {
    return pipeTo<Sent>(this, source);
  }

  /** Sends a ping of at most 125 bytes. @throws UsageError `INVALID_DATA`, `PING_TOO_BIG` */
  ping(payload?: SendData): void {
    this.socket.ping(payload);
  }

  /**
   * Starts the closing handshake; without effect once it has begun. Messages that have come before
   * can still be read, later ones are dropped.
   *
   * @param code 1000-1014 but for 1004-1006 and 1010, or 3000-4999; default 1000.
   * @param reason At most 123 bytes of UTF-8; default empty.
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`
   */
  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Drops the connection at once, without a closing handshake; it ends with 1006. */
  terminate(): void {
    this.socket.terminate();
  }
}

function toJson(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    // Undefined, whatever its type says, for what JSON leaves out: functions, for one.
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  const message = `JSON cannot express this value of type ${typeof value}`;
  throw new UsageError("INVALID_DATA", message, cause === undefined ? {} : { cause });
}
