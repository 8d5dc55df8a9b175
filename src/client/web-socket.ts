import { CloseCode } from "../errors/close-code.ts";
import { describeEnd } from "../errors/describe-end.ts";
import { type CloseInfo, type Connection, ReadyState } from "../connection/connection.ts";
import { HandshakeError, type TidewayError, TransportError } from "../errors/index.ts";
import { type CloseEventConstructor, toUSVString } from "./close-event.ts";
import type { ConnectAttempt, Connector } from "./connector.ts";
import { recordDetails, type WebSocketStreams } from "./event-streams.ts";
import { defineEventHandlers, type EventHandlers } from "./event-handlers.ts";
import { type WebSocketOptions, withDefaults } from "./options.ts";
import { isBlob, type Message, toMessage } from "./message-data.ts";
import { Outbox } from "./outbox.ts";
import { exposeInterface } from "./web-idl.ts";
import {
  checkCloseArguments,
  clampUnsignedShort,
  parseProtocols,
  parseUrl,
  readOptions,
} from "./web-socket-arguments.ts";
import type {
  BinaryType,
  ReadyStateConstants,
  WebSocketData,
  WebSocketInstance,
} from "./web-socket-interface.ts";

/** The functions and classes of the runtime that the class uses, in addition to a connector. */
export interface WebSocketEnvironment {
  readonly CloseEvent: CloseEventConstructor;
  /** Calls back in a separate task, after the promise jobs of the current task. */
  queueTask(callback: () => void): void;
  /** The length of `text` in UTF-8. */
  utf8Length(text: string): number;
  /** Stops warnings about many listeners on `target`. */
  allowManyListeners(target: EventTarget): void;
  /**
   * Fires a `message` event at `target`. `known` is the result of the previous call. Returns `known` again if
   * this event was dispatched to the same listeners, and they are still registered.
   */
  dispatchMessage(
    target: EventTarget,
    data: string | Blob | ArrayBuffer,
    origin: string,
    known: unknown,
  ): unknown;
}

/** An instance of the standard's class, before `withEventStreams` adds event streams. */
type StandardWebSocket = Omit<WebSocketInstance, keyof WebSocketStreams>;

/** The standard's class, before `withEventStreams` adds event streams. */
export interface StandardWebSocketConstructor extends ReadyStateConstants {
  new (
    url: string | URL,
    protocols?: string | readonly string[] | WebSocketOptions,
    options?: WebSocketOptions,
  ): StandardWebSocket;
  readonly prototype: StandardWebSocket;
}

/** Creates the `WebSocket` class of the WHATWG WebSockets standard. */
export function defineWebSocket(
  connect: Connector,
  environment: WebSocketEnvironment,
): StandardWebSocketConstructor {
  class WebSocket extends EventTarget {
    declare readonly CONNECTING: 0;
    declare readonly OPEN: 1;
    declare readonly CLOSING: 2;
    declare readonly CLOSED: 3;
    declare static readonly CONNECTING: 0;
    declare static readonly OPEN: 1;
    declare static readonly CLOSING: 2;
    declare static readonly CLOSED: 3;
    declare onopen: StandardWebSocket["onopen"];
    declare onmessage: StandardWebSocket["onmessage"];
    declare onerror: StandardWebSocket["onerror"];
    declare onclose: StandardWebSocket["onclose"];

    readonly #url: URL;
    readonly #origin: string;
    readonly #attempt: ConnectAttempt | undefined;
    /** The caller's signal, which aborts the opening handshake. */
    readonly #signal: AbortSignal | undefined;
    readonly #handlers: EventHandlers = {};
    #readyState: ReadyState = ReadyState.Connecting;
    #binaryType: BinaryType = "blob";
    #protocol = "";
    #extensions = "";
    /** The open connection. `#outbox` is set at the same time. */
    #connection: Connection | undefined;
    #outbox: Outbox | undefined;
    /** The number of payload bytes that will never be sent. */
    #lostBytes = 0;
    #isClosedLocally = false;
    /** The listeners that received the latest message, as `dispatchMessage` returned them. */
    #listeners: unknown;
    /** The `onmessage` handler that received the latest message. */
    #onmessage: unknown;
    /** Whether further messages wait for the next task. */
    #isWaitingForTask = false;

    // A default value instead of an optional parameter, so that `length` counts only required parameters, as
    // in Web IDL.
    constructor(
      url: string | URL,
      protocols: string | readonly string[] | WebSocketOptions | undefined = undefined,
      more: WebSocketOptions | undefined = undefined,
    ) {
      super();
      environment.allowManyListeners(this);
      if (arguments.length === 0) throw new TypeError("a WebSocket needs a url");
      this.#url = parseUrl(url);
      this.#origin = this.#url.origin;
      const options = withDefaults(readOptions(protocols, more));
      const names = parseProtocols(options.protocols);
      const { signal } = options;
      this.#signal = signal;
      if (signal?.aborted === true) {
        this.#onAbort();
        return;
      }
      this.#attempt = connect(
        { url: new URL(this.#url), protocols: names, options },
        {
          onOpen: (connection, readHeaders) => this.#established(connection, readHeaders),
          onFailed: (error) =>
            this.#closed({ code: CloseCode.Abnormal, reason: "", wasClean: false, error }),
        },
      );
      // Added last, so that no listener remains if `connect` throws because of the options.
      signal?.addEventListener("abort", this.#onAbort);
    }

    get url(): string {
      return this.#url.href;
    }

    get readyState(): number {
      return this.#readyState;
    }

    get bufferedAmount(): number {
      return this.#lostBytes + (this.#outbox?.byteLength ?? 0);
    }

    get extensions(): string {
      return this.#extensions;
    }

    get protocol(): string {
      return this.#protocol;
    }

    get binaryType(): BinaryType {
      return this.#binaryType;
    }

    set binaryType(value: BinaryType) {
      // Web IDL: `this` is checked first, even if the value will be ignored.
      const present = this.#binaryType;
      const type = `${value}`;
      this.#binaryType = type === "blob" || type === "arraybuffer" ? type : present;
    }

    send(data: WebSocketData): void {
      const readyState = this.#readyState;
      if (arguments.length === 0) throw new TypeError("send needs an argument");
      const message = toMessage(data);
      if (readyState === ReadyState.Connecting) {
        throw new DOMException(
          "the connection is not open yet; wait for the open event",
          "InvalidStateError",
        );
      }
      const byteLength = this.#lengthOf(message);
      if (readyState !== ReadyState.Open) {
        this.#lostBytes += byteLength;
        return;
      }
      this.#outbox!.send(message, byteLength);
    }

    // Default values instead of optional parameters, so that `length` counts only required parameters, as in
    // Web IDL.
    close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
      const readyState = this.#readyState;
      const status = code === undefined ? undefined : clampUnsignedShort(code);
      const text = reason === undefined ? "" : toUSVString(reason);
      checkCloseArguments(status, environment.utf8Length(text));
      if (readyState === ReadyState.Connecting) {
        this.#giveUp(
          new HandshakeError("ABORTED", "close was called before the connection was open"),
        );
      } else if (readyState === ReadyState.Open) {
        this.#readyState = ReadyState.Closing;
        this.#isClosedLocally = true;
        const connection = this.#connection!;
        this.#outbox!.whenEmpty(() => {
          connection.close(status ?? (text === "" ? undefined : CloseCode.Normal), text);
        });
      }
    }

    readonly #onAbort = (): void => {
      const { reason: cause } = this.#signal!;
      this.#giveUp(new HandshakeError("ABORTED", "the signal aborted the handshake", { cause }));
    };

    /** Cancels the attempt. Its events follow in a later task. */
    #giveUp(error: HandshakeError): void {
      this.#readyState = ReadyState.Closing;
      this.#endAttempt();
      this.#attempt?.abort();
      const info = { code: CloseCode.Abnormal, reason: "", wasClean: false, error };
      environment.queueTask(() => this.#closed(info));
    }

    #endAttempt(): void {
      this.#signal?.removeEventListener("abort", this.#onAbort);
    }

    #lengthOf(message: Message): number {
      if (typeof message === "string") return environment.utf8Length(message);
      return isBlob(message) ? message.size : message.byteLength;
    }

    #established(connection: Connection, readHeaders?: () => Headers): void {
      this.#endAttempt();
      this.#connection = connection;
      this.#readyState = ReadyState.Open;
      this.#extensions = connection.extensions;
      this.#protocol = connection.protocol;
      this.#outbox = new Outbox(connection);
      connection.start({
        onText: (text) => this.#received(text),
        onBinary: (bytes) => this.#received(this.#toBinaryType(bytes)),
        onClosing: () => {
          this.#readyState = ReadyState.Closing;
          this.#dropWaiting();
        },
        onClose: (info) => this.#closed(info),
      });
      // Messages are delivered in later tasks, so that code that awaits the open event can add listeners
      // first.
      connection.pause();
      this.dispatchEvent(withHeaders(new Event("open"), readHeaders));
      environment.queueTask(() => connection.resume());
    }

    #received(data: string | Blob | ArrayBuffer): void {
      if (this.#readyState !== ReadyState.Open) return;
      const known = this.#listeners;
      const handler = this.#handlers["message"];
      this.#listeners = environment.dispatchMessage(this, data, this.#origin, known);
      if (this.#listeners === known && handler === this.#onmessage) return;
      this.#onmessage = handler;
      this.#waitForTask();
    }

    /**
     * Delays further messages until the next task. In a browser, each message has its own task, so that code
     * that awaits one message can add a listener for the next one. Here, the messages of one read share a
     * task as long as the listeners stay the same. A listener that was added or removed may belong to a
     * promise.
     */
    #waitForTask(): void {
      const connection = this.#connection!;
      // A connection that has ended does not wait, and delivers its remaining messages at once.
      if (this.#isWaitingForTask) return;
      this.#isWaitingForTask = true;
      connection.pause();
      environment.queueTask(() => {
        this.#isWaitingForTask = false;
        connection.resume();
      });
    }

    #toBinaryType(bytes: Uint8Array): Blob | ArrayBuffer {
      if (this.#binaryType === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
      return bytes.buffer as ArrayBuffer;
    }

    #dropWaiting(): void {
      this.#lostBytes += this.#outbox?.clear() ?? 0;
    }

    #closed(info: CloseInfo): void {
      this.#endAttempt();
      this.#dropWaiting();
      this.#lostBytes += this.#outbox?.byteLength ?? 0;
      this.#connection = undefined;
      this.#outbox = undefined;
      this.#readyState = ReadyState.Closed;
      const { code, reason, wasClean } = info;
      const close = new environment.CloseEvent("close", { code, reason, wasClean });
      if (wasClean) {
        recordDetails(this, describeEnd(info, this.#isClosedLocally));
        this.dispatchEvent(close);
        return;
      }
      // RFC 6455 7.2.1: if the transport is lost unexpectedly, the client fails the connection.
      const { error = new TransportError("CONNECTION_LOST", "the connection was lost") } = info;
      recordDetails(this, null);
      this.dispatchEvent(withReason(new Event("error"), error));
      // In a browser, promise jobs run between the two events. A separate task has the same effect.
      environment.queueTask(() => {
        recordDetails(this, describeEnd({ ...info, error }, this.#isClosedLocally));
        this.dispatchEvent(withReason(close, error));
      });
    }

    static {
      defineEventHandlers(
        this.prototype,
        ["open", "message", "error", "close"],
        (socket) => socket.#handlers,
      );
      exposeInterface(this, READY_STATE_CONSTANTS, "WebSocket");
    }
  }
  return WebSocket;
}

const READY_STATE_CONSTANTS = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };

/**
 * Adds the header fields of the response to an event. The `Headers` object is created at its first access.
 */
function withHeaders(event: Event, readHeaders: (() => Headers) | undefined): Event {
  if (readHeaders === undefined) return event;
  let headers: Headers | undefined;
  return Object.defineProperty(event, "responseHeaders", {
    get: () => (headers ??= readHeaders()),
    enumerable: true,
  });
}

/** Adds the error to an event, as an extension of the standard. */
function withReason(event: Event, error: TidewayError): Event {
  return Object.defineProperty(event, "error", { value: error, enumerable: true });
}
