import type { CloseInfo, Connection, ConnectionHandler } from "../../connection/connection.ts";
import { ReadyState } from "../../connection/connection.ts";
import { describeEnd } from "../../errors/describe-end.ts";
import {
  ConnectionClosedError,
  type ProtocolError,
  type TidewayError,
} from "../../errors/index.ts";
import { isExpectedEnd } from "../../protocol/close-code.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import { PreparedMessage } from "../../protocol/prepared-message.ts";
import { isThenable } from "../../schema/values.ts";
import type { Message } from "../../streams/message-consumer.ts";
import { MessageQueue } from "../../streams/message-queue.ts";
import type { MessageListener, MessageSubscription } from "../../streams/message-subscription.ts";
import type { RefusalDetails } from "../reports/refusal-reporter.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { InvalidMessageError } from "./invalid-message-error.ts";
import { type SendData, type SendOptions, toBytes } from "./message-data.ts";
import { checkCloseArguments, checkListener, toPingPayload } from "./socket-arguments.ts";
import type { SlowConsumerPolicy, SocketOptions } from "./socket-options.ts";
import { pipeTo, readableOf, type SendSource, writableOf } from "./socket-streams.ts";
import type { MessageListenOptions, Socket } from "./socket-interface.ts";

/** Why the server closes a connection. */
export interface CloseRefusal extends Pick<RefusalDetails, "reason" | "option" | "issues"> {
  readonly closeCode: number;
}

/** The functions of the server that a socket calls. All sockets of a route share one object. */
export interface SocketEnvironment {
  /** Called when the handler or a callback of `socket` threw; at most once for each socket. */
  onFailure(socket: ServerSocket, error: unknown): void;
  /** Called when the server, not the application, closes `socket`; at most once for each socket. */
  onRefused(socket: ServerSocket, refusal: CloseRefusal): void;
  /** Called when the connection of `socket` has ended with a full queue that never had a consumer. */
  onUnread?(socket: ServerSocket): void;
  /** Called when the connection of `socket` has ended. */
  onClosed(socket: ServerSocket): void;
  /**
   * Calls back in a later turn of the event loop, after the data sent in this turn has been written, and
   * other sockets have been served.
   */
  inNextTurn(callback: () => void): void;
}

/**
 * The {@link Socket} on top of a `Connection`. The methods after `terminate` are for the server, and not
 * part of the public interface.
 */
export class ServerSocket implements Socket {
  readonly #connection: Connection;
  readonly #environment: SocketEnvironment;
  readonly #queue: MessageQueue;
  readonly #highWaterMarkBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #slowConsumer: SlowConsumerPolicy;

  #closeInfo: CloseInfo | undefined;
  /** Whether `close` or `terminate` was called before the peer's Close frame arrived. */
  #isClosedLocally = false;
  #hasFailed = false;
  #done: Deferred<CloseInfo> | undefined;
  #drained: Deferred<void> | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<SendData> | undefined;

  /** @param connection a connection that has not been started; the socket starts it */
  constructor(connection: Connection, environment: SocketEnvironment, options: SocketOptions = {}) {
    this.#connection = connection;
    this.#environment = environment;
    const { highWaterMarkBytes = 65_536, maxBufferedBytes = 1_048_576 } = options;
    this.#slowConsumer = options.slowConsumer ?? "close";
    this.#maxBufferedBytes = maxBufferedBytes;
    // The high-water mark is at most `maxBufferedBytes`, so that `send` returns false before it drops
    // messages.
    this.#highWaterMarkBytes =
      this.#slowConsumer === "wait"
        ? highWaterMarkBytes
        : Math.min(highWaterMarkBytes, maxBufferedBytes);
    this.#queue = new MessageQueue(connection, {
      maxBytes: options.maxQueuedBytes,
      maxMessages: options.maxQueuedMessages,
    });
    connection.start(new SocketConnectionHandler(this));
  }

  get protocol(): string {
    return this.#connection.protocol;
  }

  get extensions(): string {
    return this.#connection.extensions;
  }

  get readyState(): ReadyState {
    return this.#connection.readyState;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  get latencyMs(): number | undefined {
    return this.#connection.latencyMs;
  }

  get done(): Promise<CloseInfo> {
    if (this.#closeInfo !== undefined) return Promise.resolve(this.#closeInfo);
    this.#done ??= deferred<CloseInfo>();
    return this.#done.promise;
  }

  get drained(): Promise<void> {
    if (this.#closeInfo !== undefined) return rejected(this.#closedError(this.#closeInfo));
    const isOpen = this.readyState === ReadyState.Open;
    if (isOpen && this.bufferedAmount < this.#highWaterMarkBytes) return Promise.resolve();
    if (this.#drained === undefined) {
      this.#drained = deferred<void>();
      this.#drained.promise.catch(() => {});
      // The connection writes at the end of the turn. Then the kernel may accept all buffered bytes at once.
      this.#environment.inNextTurn(() => this.checkDrained());
    }
    return this.#drained.promise;
  }

  get readable(): ReadableStream<Message> {
    this.#readable ??= readableOf(this[Symbol.asyncIterator]());
    return this.#readable;
  }

  get writable(): WritableStream<SendData> {
    this.#writable ??= writableOf<SendData>(this);
    return this.#writable;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return this.#queue.iterate(() => this.closeInNextTurn());
  }

  listen(
    onMessage: (message: Message) => unknown,
    options: MessageListenOptions = NO_OPTIONS,
  ): MessageSubscription {
    checkListener(onMessage, options);
    return this.#queue.listen(new SocketListener(this, onMessage, options));
  }

  send(data: SendData | PreparedMessage, options?: SendOptions): boolean {
    const connection = this.#connection;
    const message =
      typeof data === "string" || data instanceof PreparedMessage ? data : toBytes(data);
    if (connection.readyState !== ReadyState.Open) return false;
    if (connection.bufferedAmount > this.#maxBufferedBytes && this.#slowConsumer !== "wait") {
      this.#dropMessage();
      return false;
    }
    if (typeof message === "string") connection.sendText(message, options?.compress);
    else if (message instanceof PreparedMessage) connection.sendPrepared(message);
    else connection.sendBinary(message, options?.compress);
    return connection.bufferedAmount < this.#highWaterMarkBytes;
  }

  add(data: SendData | PreparedMessage, options?: SendOptions): void {
    this.send(data, options);
  }

  addStream(source: SendSource): Promise<void> {
    return pipeTo<SendData>(this, source);
  }

  ping(payload: SendData = ""): void {
    this.#connection.ping(toPingPayload(payload));
  }

  close(code: number = CloseCode.Normal, reason: string = ""): void {
    checkCloseArguments(code, reason);
    if (this.readyState !== ReadyState.Open) return;
    this.#isClosedLocally = true;
    this.#connection.close(code, reason);
  }

  terminate(): void {
    if (this.readyState === ReadyState.Open) this.#isClosedLocally = true;
    this.#connection.terminate();
  }

  /**
   * Passes the messages to a listener, like `listen`, with less memory for each socket. The listener must not
   * throw. Its `onEnd` is called when the connection has ended.
   *
   * @throws UsageError `ALREADY_CONSUMED` if the messages have or had a consumer
   */
  consume(listener: MessageListener): MessageSubscription {
    return this.#queue.listen(listener);
  }

  /**
   * The largest message to receive, in bytes. A larger one closes the connection with 1009. Lower it while a
   * client may send little, such as before it is authorized.
   */
  get maxMessageBytes(): number {
    return this.#connection.maxMessageBytes;
  }

  set maxMessageBytes(value: number) {
    this.#connection.maxMessageBytes = value;
  }

  /**
   * Runs the route's handler. If it throws or rejects, the socket closes with 1011. Calls `onEnd` once,
   * when the result of the handler has settled.
   */
  runHandler(handler: () => unknown, onEnd?: () => void): void {
    this.#run(handler, undefined, onEnd);
  }

  /** Runs a callback of the application. If it throws or rejects, the socket closes with 1011. */
  runCallback<T>(callback: (argument: T) => unknown, argument: T): void {
    this.#run(callback, argument);
  }

  /**
   * Drops the queued messages, ends the messages with `error`, and closes the socket. An
   * `InvalidMessageError`, which the peer caused, has the close code. Any other error counts as an error of
   * the handler.
   */
  endMessages(error: TidewayError): void {
    if (error instanceof InvalidMessageError) {
      endErrors.set(error, this);
      const isOpen = this.readyState === ReadyState.Open;
      this.close(error.closeCode, error.reason);
      if (isOpen) this.#environment.onRefused(this, toRefusal(error));
    } else {
      this.#fail(error);
    }
    this.#queue.discard(error);
  }

  /** Closes with 1000 in a later turn, so that an error of the handler can close with 1011 first. */
  closeInNextTurn(): void {
    this.#environment.inNextTurn(() => this.close());
  }

  /** Queues a message of the connection. */
  receive(message: Message): void {
    if (!this.#isClosedLocally) this.#queue.push(message);
  }

  /** Resolves `drained` if the buffer has room. */
  checkDrained(): void {
    // A closing socket sends no more messages. `drained` rejects when it has closed.
    if (this.readyState !== ReadyState.Open) return;
    if (this.bufferedAmount >= this.#highWaterMarkBytes) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** Reports that the connection closes because the peer violated the protocol or exceeded a limit. */
  reportViolation(error: ProtocolError): void {
    // The application closed the socket before the violation.
    if (this.#isClosedLocally) return;
    this.#environment.onRefused(this, {
      closeCode: error.closeCode ?? CloseCode.ProtocolError,
      reason: error.message,
      option: OPTION_OF_VIOLATION[error.code],
    });
  }

  /** Settles all promises and ends the messages, because the connection has ended. */
  finish(info: CloseInfo): void {
    this.#closeInfo = info;
    if (this.#queue.isUnread) this.#environment.onUnread?.(this);
    this.#queue.end(isExpectedEnd(info.code) ? undefined : this.#closedError(info));
    this.#drained?.reject(this.#closedError(info));
    this.#drained = undefined;
    this.#done?.resolve(info);
    this.#environment.onClosed(this);
  }

  /** Drops a message, and closes the socket with the slow-consumer policy `"close"`. */
  #dropMessage(): void {
    if (this.#slowConsumer !== "close") return;
    const { bufferedAmount } = this;
    this.close(CloseCode.TryAgainLater, "too slow");
    this.#environment.onRefused(this, {
      closeCode: CloseCode.TryAgainLater,
      reason: `${bufferedAmount} bytes are buffered for the peer, more than maxBufferedBytes ${this.#maxBufferedBytes}`,
      option: "maxBufferedBytes",
    });
  }

  #run<T>(callback: (argument: T) => unknown, argument: T, onEnd?: () => void): void {
    try {
      const result = callback(argument);
      if (isThenable(result)) {
        // `Promise.resolve` protects against a thenable that settles twice, and returns a native promise
        // unchanged.
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
    // A handler that throws the error with which its own socket ended has not failed. `get` accepts any
    // value, while `instanceof` throws for some proxies.
    const isOwnEnd = endErrors.get(error as Error) === this;
    if (this.#hasFailed || isOwnEnd) return;
    this.#hasFailed = true;
    this.#environment.onFailure(this, error);
  }

  #closedError(info: CloseInfo): ConnectionClosedError {
    const error = new ConnectionClosedError(describeEnd(info, this.#isClosedLocally));
    endErrors.set(error, this);
    return error;
  }
}

/** Passes the events of a connection to its socket. */
class SocketConnectionHandler implements ConnectionHandler {
  readonly #socket: ServerSocket;

  constructor(socket: ServerSocket) {
    this.#socket = socket;
  }

  onText(text: string): void {
    this.#socket.receive(text);
  }

  onBinary(bytes: Uint8Array): void {
    this.#socket.receive(bytes);
  }

  onClosing(error?: ProtocolError): void {
    if (error !== undefined) this.#socket.reportViolation(error);
  }

  onDrain(): void {
    this.#socket.checkDrained();
  }

  onClose(info: CloseInfo): void {
    this.#socket.finish(info);
  }
}

/** The callbacks of one call of `listen`. A class, because closures use three times the memory. */
class SocketListener implements MessageListener {
  readonly #socket: ServerSocket;
  readonly #onMessage: (message: Message) => unknown;
  readonly #options: MessageListenOptions;

  constructor(
    socket: ServerSocket,
    onMessage: (message: Message) => unknown,
    options: MessageListenOptions,
  ) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    this.#options = options;
  }

  onMessage(message: Message): void {
    this.#socket.runCallback(this.#onMessage, message);
  }

  onEnd(error: Error | undefined): void {
    const { onError, onDone } = this.#options;
    if (error !== undefined && onError !== undefined) {
      this.#socket.runCallback(onError, error as ConnectionClosedError);
    }
    if (onDone !== undefined) this.#socket.runCallback(onDone, undefined);
  }

  onCancel(): void {
    this.#socket.closeInNextTurn();
  }
}

const NO_OPTIONS: MessageListenOptions = {};

/** The option that sets a limit, by the error code of exceeding that limit. */
const OPTION_OF_VIOLATION: Readonly<Record<string, string>> = {
  MESSAGE_TOO_BIG: "maxMessageBytes",
  UNFINISHED_TOO_BIG: "maxUnfinishedBytes",
  UNREAD_TOO_BIG: "maxQueuedBytes",
  RATE_EXCEEDED: "maxMessagesPerSecond",
};

/** The errors that ended the messages of a socket, each with its socket. */
const endErrors = new WeakMap<Error, ServerSocket>();

function toRefusal({ closeCode, reason, issues }: InvalidMessageError): CloseRefusal {
  return { closeCode, reason: `the peer's message is ${reason}`, option: "schema", issues };
}

/** Returns a rejected promise that does not cause an unhandled rejection. */
function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
