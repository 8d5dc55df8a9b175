import { describeEnd } from "../errors/describe-end.ts";
import type { CloseInfo, Connection, ConnectionHandler } from "../connection/connection.ts";
import { ReadyState } from "../connection/connection.ts";
import {
  ConnectionClosedError,
  type ProtocolError,
  type TidewayError,
  UsageError,
} from "../errors/index.ts";
import { isExpectedEnd } from "../protocol/close-code.ts";
import { CloseCode, PreparedMessage } from "../protocol/index.ts";
import type { Message } from "../streams/message-consumer.ts";
import { MessageQueue } from "../streams/message-queue.ts";
import type { MessageListener, MessageSubscription } from "../streams/message-subscription.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { InvalidMessageError } from "./invalid-message-error.ts";
import {
  checkCloseArguments,
  type SendData,
  type SendOptions,
  toBytes,
  toPingPayload,
} from "./send-data.ts";
import type { RefusalDetails } from "./refusals.ts";
import type { SlowConsumerPolicy, SocketOptions } from "./socket-options.ts";
import { pipeTo, readableOf, type SendSource, writableOf } from "./socket-streams.ts";
import { isThenable } from "./values.ts";

/** What `listen` may be told besides the messages. */
export interface MessageListenOptions<Failure extends TidewayError = ConnectionClosedError> {
  /** Called once, last, when no more messages can come, however they ended; not after `cancel`. */
  readonly onDone?: () => void;
  /** Called before `onDone` when the connection was not closed with 1000, 1001 or 1005. */
  readonly onError?: (error: Failure) => void;
}

/** Why the server closes a connection. */
export interface CloseRefusal extends Pick<RefusalDetails, "reason" | "option" | "issues"> {
  readonly closeCode: number;
}

/** What sockets need from the server they belong to; shared by all sockets of a route. */
export interface SocketEnvironment {
  /** What the handler or a callback of `socket` threw; called at most once for each socket. */
  onFailure(socket: Socket, error: unknown): void;
  /** The server closes `socket`, not the application; called at most once for each socket. */
  onRefused(socket: Socket, refusal: CloseRefusal): void;
  /** The connection of `socket` has ended, its queue is full, and nothing ever read from it. */
  onUnread?(socket: Socket): void;
  /** The connection of `socket` is over. */
  onClosed(socket: Socket): void;
  /**
   * Calls back in a turn of its own, after what is sent in this one has been written and other
   * sockets have had theirs.
   */
  inNextTurn(callback: () => void): void;
}

/**
 * Runs a socket's handler: what it throws, or rejects with, closes the socket with 1011. Calls
 * `onEnd` once it has returned and what it returned has settled.
 */
export let runHandler: (socket: Socket, handler: () => unknown, onEnd?: () => void) => void;

/**
 * Ends the messages of `socket` with `error`, before those that wait, and closes it with the error's
 * code. An `InvalidMessageError` is the peer's fault; anything else has failed as a handler can.
 */
export let endMessages: (socket: Socket, error: TidewayError) => void;

// What only the connection and the listener may call; kept off the public face.
let receive: (socket: Socket, message: Message) => void;
let drain: (socket: Socket) => void;
let onClosing: (socket: Socket, error: ProtocolError | undefined) => void;
let finish: (socket: Socket, info: CloseInfo) => void;
let guard: <T>(socket: Socket, callback: (argument: T) => unknown, argument: T) => void;
let closeSoon: (socket: Socket) => void;

/**
 * The server's end of a WebSocket connection: a stream of the messages received and a sink for
 * those sent, with backpressure both ways.
 *
 * ```ts
 * for await (const message of socket) {
 *   if (!socket.send(message)) await socket.drained;
 * }
 * ```
 *
 * Messages have one consumer: one `for await` loop, one call of `listen`, or `readable`. What comes
 * before it is kept; once the queue is full the peer has to wait. A socket without any consumer
 * stays open, and answers pings and the peer's Close, until its queue is full. From then on it reads
 * nothing, not even a Close. If you only send, call `socket.listen(() => {})`. The first such socket of
 * a route is reported to `onError` when it ends, as UsageError `SOCKET_NOT_READ`.
 */
export class Socket implements AsyncIterable<Message> {
  readonly #connection: Connection;
  readonly #environment: SocketEnvironment;
  readonly #queue: MessageQueue;
  readonly #highWaterMarkBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #slowConsumer: SlowConsumerPolicy;

  #closeInfo: CloseInfo | undefined;
  /** Whether `close` or `terminate` was called before the peer's Close frame came. */
  #isClosedLocally = false;
  #hasFailed = false;
  #done: Deferred<CloseInfo> | undefined;
  #drained: Deferred<void> | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<SendData> | undefined;

  /** Takes over `connection`, which has not been started. */
  constructor(connection: Connection, environment: SocketEnvironment, options: SocketOptions = {}) {
    this.#connection = connection;
    this.#environment = environment;
    const { highWaterMarkBytes = 65_536, maxBufferedBytes = 1_048_576 } = options;
    this.#slowConsumer = options.slowConsumer ?? "close";
    this.#maxBufferedBytes = this.#slowConsumer === "wait" ? Infinity : maxBufferedBytes;
    // Above the limit `send` refuses, so a sender must be told to wait before.
    this.#highWaterMarkBytes = Math.min(highWaterMarkBytes, this.#maxBufferedBytes);
    this.#queue = new MessageQueue(connection, {
      maxBytes: options.maxQueuedBytes,
      maxMessages: options.maxQueuedMessages,
    });
    connection.start(new SocketConnectionHandler(this));
  }

  /** The subprotocol agreed upon, or the empty string. */
  get protocol(): string {
    return this.#connection.protocol;
  }

  /** The extensions agreed upon, as in the header field, or the empty string. */
  get extensions(): string {
    return this.#connection.extensions;
  }

  /** 1 while open, 2 while closing, 3 when closed: the numbers of the WHATWG interface. */
  get readyState(): ReadyState {
    return this.#connection.readyState;
  }

  /**
   * Bytes that were sent but have not left for the kernel: framing included, and messages as long
   * as they were before compression.
   */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  /**
   * How long the latest ping to be answered was under way, there and back, in milliseconds, with
   * whatever was sent before it; undefined before the first. The heartbeat pings only a peer that is
   * silent: to measure one that talks, call `ping`. The peer decides when it answers, so this is no
   * proof of anything.
   */
  get latencyMs(): number | undefined {
    return this.#connection.latencyMs;
  }

  /** How the connection ended, once it has. Never rejects. */
  get done(): Promise<CloseInfo> {
    if (this.#closeInfo !== undefined) return Promise.resolve(this.#closeInfo);
    this.#done ??= deferred<CloseInfo>();
    return this.#done.promise;
  }

  /**
   * Resolves once `bufferedAmount` is below `highWaterMarkBytes`. Rejects with
   * {@link ConnectionClosedError} when the connection ends first, or has ended, so that a sender's
   * loop ends too; a rejection that nobody looks at is not reported.
   */
  get drained(): Promise<void> {
    if (this.#closeInfo !== undefined) return rejected(this.#closedError(this.#closeInfo));
    const isOpen = this.readyState === ReadyState.Open;
    if (isOpen && this.bufferedAmount < this.#highWaterMarkBytes) return Promise.resolve();
    if (this.#drained === undefined) {
      this.#drained = deferred<void>();
      this.#drained.promise.catch(() => {});
      // What fills the buffer may leave for the kernel in one go at the end of the turn.
      this.#environment.inNextTurn(() => this.#checkDrained());
    }
    return this.#drained.promise;
  }

  /** All messages, in a stream; being the consumer from the first use of this property on. */
  get readable(): ReadableStream<Message> {
    this.#readable ??= readableOf(this[Symbol.asyncIterator]());
    return this.#readable;
  }

  /** A stream that sends what is written to it, at the peer's pace; closing it closes with 1000. */
  get writable(): WritableStream<SendData> {
    this.#writable ??= writableOf<SendData>(this);
    return this.#writable;
  }

  /**
   * The messages, in order. The loop ends when the connection is closed with 1000, 1001 or 1005,
   * and throws {@link ConnectionClosedError} when it ends otherwise. Leaving the loop early closes
   * the connection with 1000, unless the handler throws or closes it otherwise in the same turn.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return this.#queue.iterate(() => this.#closeSoon());
  }

  /**
   * Calls `onMessage` for every message, in order, from the next turn on. What it throws, or rejects
   * with, counts as thrown by the handler. Cancelling closes the connection with 1000.
   *
   * @throws UsageError `ALREADY_CONSUMED` if there is a consumer, or has been one;
   *   `INVALID_LISTENER` if `onMessage` is no function.
   */
  listen(
    onMessage: (message: Message) => unknown,
    options: MessageListenOptions = NO_OPTIONS,
  ): MessageSubscription {
    checkListener(onMessage);
    return this.#queue.listen(new GuardedListener(this, onMessage, options));
  }

  /**
   * Sends a message: a string as text, bytes as binary, or what `prepare` made. Returns false when it is time to wait for
   * `drained`, when the slow-consumer policy dropped the message, and when the connection is no
   * longer open, in which case the message is dropped.
   *
   * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes.
   */
  send(data: SendData | PreparedMessage, options?: SendOptions): boolean {
    const connection = this.#connection;
    const message =
      typeof data === "string" || data instanceof PreparedMessage ? data : toBytes(data);
    if (connection.readyState !== ReadyState.Open) return false;
    if (connection.bufferedAmount > this.#maxBufferedBytes) return this.#refuse();
    if (typeof message === "string") connection.sendText(message, options?.compress);
    else if (message instanceof PreparedMessage) connection.sendPrepared(message);
    else connection.sendBinary(message, options?.compress);
    return connection.bufferedAmount < this.#highWaterMarkBytes;
  }

  /** As `send`, for those who look at `drained` rather than at a result. */
  add(data: SendData | PreparedMessage, options?: SendOptions): void {
    this.send(data, options);
  }

  /**
   * Sends every item of `source` as a message, at the peer's pace. Resolves when the source has
   * ended. Rejects with what the source throws, or with {@link ConnectionClosedError} if the
   * connection ends first; the source is told to stop then.
   *
   * @throws UsageError `INVALID_SOURCE` if `source` cannot be iterated over.
   */
  addStream(source: SendSource): Promise<void> {
    return pipeTo<SendData>(this, source);
  }

  /** Sends a ping of at most 125 bytes. @throws UsageError `INVALID_DATA`, `PING_TOO_BIG` */
  ping(payload: SendData = ""): void {
    this.#connection.ping(toPingPayload(payload));
  }

  /**
   * Starts the closing handshake; without effect once it has begun. Messages that have come before
   * can still be read, later ones are dropped.
   *
   * @param code 1000-1014 but for 1004-1006 and 1010, or 3000-4999; default 1000.
   * @param reason At most 123 bytes of UTF-8; default empty.
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`
   */
  close(code: number = CloseCode.Normal, reason: string = ""): void {
    checkCloseArguments(code, reason);
    if (this.readyState !== ReadyState.Open) return;
    this.#isClosedLocally = true;
    this.#connection.close(code, reason);
  }

  /** Drops the connection at once, without a closing handshake; it ends with 1006. */
  terminate(): void {
    if (this.readyState === ReadyState.Open) this.#isClosedLocally = true;
    this.#connection.terminate();
  }

  #refuse(): false {
    if (this.#slowConsumer === "close") {
      const { bufferedAmount } = this;
      this.close(CloseCode.TryAgainLater, "too slow");
      this.#environment.onRefused(this, {
        closeCode: CloseCode.TryAgainLater,
        reason: `${bufferedAmount} bytes are buffered for the peer, more than maxBufferedBytes ${this.#maxBufferedBytes}`,
        option: "maxBufferedBytes",
      });
    }
    return false;
  }

  /** A handler that throws out of its loop must have the time to close with 1011 instead. */
  #closeSoon(): void {
    this.#environment.inNextTurn(() => this.close());
  }

  /** Runs a callback of the user's, whose errors are the handler's. */
  #guard<T>(callback: (argument: T) => unknown, argument: T, onEnd?: () => void): void {
    try {
      const result = callback(argument);
      if (isThenable(result)) {
        // A thenable of somebody's own make may settle twice; this costs a promise nothing.
        Promise.resolve(result).then(onEnd, (error: unknown) => {
          this.#fail(error);
          onEnd?.();
        });
        return;
      }
    } catch (error) {
      this.#fail(error);
    }
    onEnd?.();
  }

  #fail(error: unknown): void {
    this.close(CloseCode.InternalError);
    // That the connection ended, or why it had to, is no failure of the handler's.
    // `instanceof` could throw if the application threw a proxy.
    const isOwnEnd = ownErrors.get(error as Error) === this;
    if (this.#hasFailed || isOwnEnd) return;
    this.#hasFailed = true;
    this.#environment.onFailure(this, error);
  }

  #endMessages(error: TidewayError): void {
    if (error instanceof InvalidMessageError) {
      ownErrors.set(error, this);
      const isOpen = this.readyState === ReadyState.Open;
      this.close(error.closeCode, error.reason);
      if (isOpen) this.#environment.onRefused(this, invalidMessage(error));
    } else {
      this.#fail(error);
    }
    this.#queue.discard(error);
  }

  #onMessage(message: Message): void {
    if (!this.#isClosedLocally) this.#queue.push(message);
  }

  #checkDrained(): void {
    // Once closing, nothing more can be sent: those who wait are told of the end.
    if (this.readyState !== ReadyState.Open) return;
    if (this.bufferedAmount >= this.#highWaterMarkBytes) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #onClosing(error: ProtocolError | undefined): void {
    // After this side has sent Close, it sends no second one for a later violation.
    if (error === undefined || this.#isClosedLocally) return;
    this.#environment.onRefused(this, {
      closeCode: error.closeCode ?? CloseCode.ProtocolError,
      reason: error.message,
      option: OPTION_OF_VIOLATION[error.code],
    });
  }

  #onClose(info: CloseInfo): void {
    this.#closeInfo = info;
    if (this.#queue.isUnread) this.#environment.onUnread?.(this);
    this.#queue.end(isExpectedEnd(info.code) ? undefined : this.#closedError(info));
    this.#drained?.reject(this.#closedError(info));
    this.#drained = undefined;
    this.#done?.resolve(info);
    this.#environment.onClosed(this);
  }

  #closedError(info: CloseInfo): ConnectionClosedError {
    const error = new ConnectionClosedError(describeEnd(info, this.#isClosedLocally));
    ownErrors.set(error, this);
    return error;
  }

  static {
    runHandler = (socket, handler, onEnd) => socket.#guard(handler, undefined, onEnd);
    endMessages = (socket, error) => socket.#endMessages(error);
    receive = (socket, message) => socket.#onMessage(message);
    drain = (socket) => socket.#checkDrained();
    onClosing = (socket, error) => socket.#onClosing(error);
    finish = (socket, info) => socket.#onClose(info);
    guard = (socket, callback, argument) => socket.#guard(callback, argument);
    closeSoon = (socket) => socket.#closeSoon();
  }
}

class SocketConnectionHandler implements ConnectionHandler {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  onText(text: string): void {
    receive(this.#socket, text);
  }

  onBinary(bytes: Uint8Array): void {
    receive(this.#socket, bytes);
  }

  onClosing(error?: ProtocolError): void {
    onClosing(this.#socket, error);
  }

  onDrain(): void {
    drain(this.#socket);
  }

  onClose(info: CloseInfo): void {
    finish(this.#socket, info);
  }
}

const NO_OPTIONS: MessageListenOptions = {};

/** The options that set the limits of a connection, by the error code of their violation. */
const OPTION_OF_VIOLATION: Readonly<Record<string, string>> = {
  MESSAGE_TOO_BIG: "maxMessageBytes",
  UNFINISHED_TOO_BIG: "maxUnfinishedBytes",
  RATE_EXCEEDED: "maxMessagesPerSecond",
};

function invalidMessage({ closeCode, reason, issues }: InvalidMessageError): CloseRefusal {
  return { closeCode, reason: `the peer's message is ${reason}`, option: "schema", issues };
}

/** @throws UsageError `INVALID_LISTENER` unless `onMessage` is a function */
export function checkListener(onMessage: unknown): void {
  if (typeof onMessage === "function") return;
  throw new UsageError("INVALID_LISTENER", `listen takes a function, not ${typeof onMessage}`);
}

/** What `listen` was given: an object, as it takes a third of what closures do, a socket each. */
class GuardedListener implements MessageListener {
  readonly #socket: Socket;
  readonly #onMessage: (message: Message) => unknown;
  readonly #options: MessageListenOptions;

  constructor(
    socket: Socket,
    onMessage: (message: Message) => unknown,
    options: MessageListenOptions,
  ) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    this.#options = options;
  }

  onMessage(message: Message): void {
    guard(this.#socket, this.#onMessage, message);
  }

  onEnd(error: Error | undefined): void {
    const { onError, onDone } = this.#options;
    if (error !== undefined && onError !== undefined) {
      guard(this.#socket, onError, error as ConnectionClosedError);
    }
    if (onDone !== undefined) guard(this.#socket, onDone, undefined);
  }

  onCancel(): void {
    closeSoon(this.#socket);
  }
}

/** Which socket's end an error reports. */
const ownErrors = new WeakMap<Error, Socket>();

function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
