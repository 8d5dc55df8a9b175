import { EventEmitter } from "node:events";
import type { ClientRequest, ClientRequestArgs, IncomingMessage } from "node:http";
import type { AddressInfo as NetAddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type FrameConnection, ReadyState } from "../connection/connection.ts";
import { openConnection } from "../node/tcp/open-connection.ts";
import { CloseCode } from "../protocol/close-code.ts";
import { readCloseReason, type SendOptions } from "./messages/arguments.ts";
import { type PingCallback, readCallback, type SendCallback } from "./messages/callbacks.ts";
import { readArguments } from "./client-arguments.ts";
import { OpeningHandshake } from "./client/opening-handshake.ts";
import { type ClientOptions, resolveHandshakeOptions } from "./client-options.ts";
import { environment } from "./messages/environment.ts";
import { notOpenError } from "./messages/errors.ts";
import {
  addWrapped,
  type EventListener,
  type EventListenerOptions,
  type PropertyListener,
  propertyListener,
  removeWrapped,
  setPropertyListener,
  type WebSocketEventMap,
} from "./event-listeners.ts";
import type { CloseEvent, ErrorEvent, Event, MessageEvent } from "./event-target.ts";
import {
  type BinaryType,
  byteLengthOf,
  isBinaryType,
  NO_BYTES,
  type RawData,
  type SendableData,
} from "./messages/message-data.ts";
import type * as Client from "./client-options.ts";
import type * as Deflate from "./extensions/deflate-options.ts";
import type * as Events from "./event-target.ts";
import type * as Listeners from "./event-listeners.ts";
import type * as Messages from "./messages/message-data.ts";
import type * as Stream from "./stream.ts";
import type * as Receiving from "./messages/receiver.ts";
import type * as Sending from "./messages/sender.ts";
import type * as ServerTypes from "./server-options.ts";
import type { WebSocketServer as ServerClass } from "./web-socket-server.ts";
import { DeferredSocketEvents, SocketEvents } from "./socket/socket-events.ts";
import {
  type CommonOptions,
  type SocketOptions,
  toConnectionOptions,
} from "./socket/socket-options.ts";
import { SocketOutput } from "./socket/socket-output.ts";

/** The events of a {@link WebSocket}, with their arguments. */
export interface WebSocketEvents {
  open: [];
  message: [data: RawData, isBinary: boolean];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  ping: [data: Buffer];
  pong: [data: Buffer];
  upgrade: [response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
  "unexpected-response": [request: ClientRequest, response: IncomingMessage];
}

type Listener<K extends keyof WebSocketEvents> = (
  this: WebSocket,
  ...args: WebSocketEvents[K]
) => void;

type AnyListener = (this: WebSocket, ...args: never[]) => void;

/** The methods of the event emitter, with the types of the events. */
export interface WebSocket {
  on<K extends keyof WebSocketEvents>(event: K, listener: Listener<K>): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<K extends keyof WebSocketEvents>(event: K, listener: Listener<K>): this;
  once(event: string | symbol, listener: AnyListener): this;
  off<K extends keyof WebSocketEvents>(event: K, listener: Listener<K>): this;
  off(event: string | symbol, listener: AnyListener): this;
  addListener<K extends keyof WebSocketEvents>(event: K, listener: Listener<K>): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  removeListener<K extends keyof WebSocketEvents>(event: K, listener: Listener<K>): this;
  removeListener(event: string | symbol, listener: AnyListener): this;
}

const NO_OPTIONS: SendOptions = {};

/** The part of `ws`'s private sender that applications use. */
type FrameSender = Pick<SocketOutput, "sendFrame">;

// In the namespace below, `WebSocket` names a member of the namespace.
type WebSocketInstance = WebSocket;
type WebSocketClass = typeof WebSocket;

// oxlint-disable eslint/no-shadow, eslint/no-unused-vars -- applications use the members, by these names
/** The types and classes that are members of the class in `@types/ws`. */
export declare namespace WebSocket {
  type BinaryType = Messages.BinaryType;
  type RawData = Messages.RawData;
  type Data = Messages.Data;
  type Event = Events.Event;
  type ErrorEvent = Events.ErrorEvent;
  type CloseEvent = Events.CloseEvent;
  type MessageEvent = Events.MessageEvent;
  type WebSocketEventMap = Listeners.WebSocketEventMap;
  type EventListenerOptions = Listeners.EventListenerOptions;
  type ClientOptions = Client.ClientOptions;
  type PerMessageDeflateOptions = Deflate.PerMessageDeflateOptions;
  type CertMeta = Client.CertMeta;
  type FinishRequestCallback = Client.FinishRequestCallback;
  type VerifyClientCallbackSync<R extends IncomingMessage = IncomingMessage> =
    ServerTypes.VerifyClientCallbackSync<R>;
  type VerifyClientCallbackAsync<R extends IncomingMessage = IncomingMessage> =
    ServerTypes.VerifyClientCallbackAsync<R>;
  type ServerOptions<
    T extends WebSocketClass = WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = ServerTypes.ServerOptions<T, U>;
  type AddressInfo = NetAddressInfo;
  type WebSocket = WebSocketInstance;
  type Server<
    T extends WebSocketClass = WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = ServerClass<T, U>;
  type WebSocketServer<
    T extends WebSocketClass = WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = ServerClass<T, U>;
  const WebSocket: WebSocketClass;
  const Server: typeof ServerClass;
  const WebSocketServer: typeof ServerClass;
  const createWebSocketStream: typeof Stream.createWebSocketStream;
  const Receiver: typeof Receiving.Receiver;
  const Sender: typeof Sending.Sender;
}
// oxlint-enable eslint/no-shadow, eslint/no-unused-vars

/**
 * A WebSocket with the interface of the package `ws`. Messages that are sent in one turn of the event loop
 * are written together when the turn ends.
 */
export class WebSocket extends EventEmitter {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #options: CommonOptions;
  #isServer = true;
  #socket: Duplex | null = null;
  #events: SocketEvents | undefined;
  #connection: FrameConnection | undefined;
  /** The state before there is a connection. */
  #handshakeState: ReadyState = ReadyState.Connecting;
  /** Undefined on a server. */
  #handshake: OpeningHandshake<WebSocket> | undefined;
  #output: SocketOutput | undefined;
  #binaryType: BinaryType = "nodebuffer";
  /** The number of bytes that were passed to `send` after the connection was closed. */
  #unsentBytes = 0;

  /**
   * Creates the server's end of a connection. `setSocket` opens it later.
   */
  constructor(address: null, protocols?: undefined, options?: CommonOptions);
  /**
   * Connects to a server. The event `open` follows, or `error` and `close`.
   *
   * @param address the URL of the server: `ws:`, `wss:`, `http:`, `https:`, `ws+unix:` or `wss+unix:`
   * @param protocols the subprotocols to offer, in order of preference
   * @throws SyntaxError if the address or a subprotocol is invalid
   */
  constructor(address: string | URL, options?: ClientOptions | ClientRequestArgs);
  constructor(
    address: string | URL,
    protocols?: string | readonly string[],
    options?: ClientOptions | ClientRequestArgs,
  );
  constructor(address: string | URL | null, protocols?: unknown, options?: object) {
    super();
    if (address === null) {
      this.#options = options ?? {};
      this.#isServer = this.#options.isServer !== false;
      return;
    }
    this.#isServer = false;
    const { offered, settings } = readArguments(protocols, options);
    this.#options = settings;
    const handshakeOptions = resolveHandshakeOptions(settings);
    this.#handshake = new OpeningHandshake<WebSocket>(this, address, offered, handshakeOptions);
    this.#handshake.start();
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#output === undefined ? this.#handshakeState : this.#output.readyState;
  }

  /** The URL of the server; undefined on a server. */
  get url(): string {
    return this.#handshake?.url as string;
  }

  /** Whether this is the server's end of the connection. It may be set before `setSocket`. */
  get _isServer(): boolean {
    return this.#isServer;
  }

  set _isServer(value: boolean) {
    this.#isServer = value;
  }

  /** The latest request of the opening handshake; null on a server, and after the handshake. */
  get _req(): ClientRequest | null {
    return this.#handshake?.request ?? null;
  }

  /** The number of redirects that the opening handshake has followed. */
  get _redirects(): number {
    return this.#handshake?.redirects ?? 0;
  }

  /** The negotiated subprotocol, or the empty string. */
  get protocol(): string {
    return this.#connection?.protocol ?? "";
  }

  /** The names of the negotiated extensions, separated by commas. */
  get extensions(): string {
    return this.#connection?.extensions ?? "";
  }

  /**
   * The number of bytes, with framing, that the kernel has not accepted yet. Reading this property first writes
   * the output of this turn of the event loop.
   */
  get bufferedAmount(): number {
    this.#connection?.flush();
    const queuedBytes = this.#output?.queuedBytes ?? 0;
    return (this.#connection?.bufferedAmount ?? 0) + queuedBytes + this.#unsentBytes;
  }

  /** Whether the application has paused the WebSocket. */
  get isPaused(): boolean {
    return this.#events?.isPaused ?? false;
  }

  /**
   * The type of binary messages: `"nodebuffer"`, `"arraybuffer"`, `"fragments"` or `"blob"`. Other values have
   * no effect. The type does not include `"blob"`, as in `@types/ws`. Default: `"nodebuffer"`.
   */
  get binaryType(): "nodebuffer" | "arraybuffer" | "fragments" {
    return this.#binaryType as "nodebuffer";
  }

  set binaryType(value: BinaryType) {
    if (!isBinaryType(value)) return;
    this.#binaryType = value;
    if (this.#events !== undefined) this.#events.binaryType = value;
  }

  /** The socket below the WebSocket; null before the opening handshake has succeeded. */
  get _socket(): Duplex | null {
    return this.#socket;
  }

  /** Sends frames that are already encoded. */
  get _sender(): FrameSender | null {
    return this.#output ?? null;
  }

  /**
   * Opens the WebSocket over the socket of a successful opening handshake, and emits `open`.
   *
   * @param head the bytes that arrived right after the opening handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const role = this.#isServer ? "server" : "client";
    const connectionOptions = toConnectionOptions(options, this.#options, role, head);
    const connection = openConnection(environment, socket, connectionOptions);
    const { allowSynchronousEvents = this.#options.allowSynchronousEvents } = options;
    const isDeferred = allowSynchronousEvents !== undefined && !allowSynchronousEvents;
    const Events = isDeferred ? DeferredSocketEvents : SocketEvents;
    this.#socket = socket;
    this.#connection = connection;
    this.#events = new Events(this, connection, this.#binaryType);
    this.#output = new SocketOutput(connection, this.#events, {
      isServer: this.#isServer,
      maxBufferedBytes: this.#options.maxBufferedBytes,
    });
    connection.start(this.#events);
    this.emit("open");
  }

  /**
   * Ends the opening handshake of a client. The state is CLOSING at once. In the next tick, emits `error`, and
   * `close` with 1006.
   */
  failHandshake(error: Error): void {
    this.#handshakeState = ReadyState.Closing;
    process.nextTick(() => {
      this.emit("error", error);
      this.#handshakeState = ReadyState.Closed;
      this.emit("close", CloseCode.Abnormal, NO_BYTES);
    });
  }

  /**
   * Sends a message, or a fragment of one. If the WebSocket is closing or closed, only the callback gets an
   * error.
   *
   * @throws Error if the state is CONNECTING; TypeError if `Buffer.from` does not accept the data
   */
  send(data: SendableData, callback?: SendCallback): void;
  send(data: SendableData, options: SendOptions, callback?: SendCallback): void;
  send(data: SendableData, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    const isCallback = typeof options === "function";
    const onWritten = readCallback(isCallback ? options : callback);
    if (this.readyState !== ReadyState.Open) this.#refuse(data, onWritten);
    else this.#output!.send(data, isCallback ? NO_OPTIONS : (options ?? NO_OPTIONS), onWritten);
  }

  /**
   * Sends a ping with a payload of at most 125 bytes.
   *
   * @throws Error if the state is CONNECTING; RangeError if the payload is too long
   */
  ping(data?: unknown, mask?: boolean, callback?: PingCallback): void;
  ping(data: unknown, callback: PingCallback): void;
  ping(data?: unknown, mask?: boolean | PingCallback, callback?: PingCallback): void {
    this.#sendControl("ping", data, mask as boolean | SendCallback, callback as SendCallback);
  }

  /** Sends a pong, with the same arguments as `ping`. */
  pong(data?: unknown, mask?: boolean, callback?: PingCallback): void;
  pong(data: unknown, callback: PingCallback): void;
  pong(data?: unknown, mask?: boolean | PingCallback, callback?: PingCallback): void {
    this.#sendControl("pong", data, mask as boolean | SendCallback, callback as SendCallback);
  }

  /**
   * Starts the closing handshake, or aborts the opening handshake.
   *
   * @throws TypeError if the code must not be sent; RangeError if the reason has more than 123 bytes
   */
  close(code?: number, reason?: string | Buffer): void {
    if (this.readyState === ReadyState.Connecting) this.#abortHandshake();
    if (this.readyState !== ReadyState.Open) return;
    this.#output!.close(code, readCloseReason(code, reason));
  }

  /** Closes the connection at once, without a closing handshake, or aborts the opening handshake. */
  terminate(): void {
    if (this.readyState === ReadyState.Connecting) this.#abortHandshake();
    // Without the flush, messages that were sent in this turn of the event loop would be lost.
    this.#connection?.flush();
    this.#connection?.terminate();
    this.#output?.abandon();
  }

  /** Stops the events `message`, `ping` and `pong`. Has no effect in the states CONNECTING and CLOSED. */
  pause(): void {
    if (this.readyState !== ReadyState.Closed) this.#events?.pause();
  }

  /** Ends a pause. Has no effect in the states CONNECTING and CLOSED. */
  resume(): void {
    if (this.readyState !== ReadyState.Closed) this.#events?.resume();
  }

  get onopen(): PropertyListener<Event> | null {
    return propertyListener(this, "open");
  }

  set onopen(listener: ((event: Event) => void) | null) {
    setPropertyListener(this, "open", listener);
  }

  get onerror(): PropertyListener<ErrorEvent> | null {
    return propertyListener(this, "error");
  }

  set onerror(listener: ((event: ErrorEvent) => void) | null) {
    setPropertyListener(this, "error", listener);
  }

  get onclose(): PropertyListener<CloseEvent> | null {
    return propertyListener(this, "close");
  }

  set onclose(listener: ((event: CloseEvent) => void) | null) {
    setPropertyListener(this, "close", listener);
  }

  get onmessage(): PropertyListener<MessageEvent> | null {
    return propertyListener(this, "message");
  }

  set onmessage(listener: ((event: MessageEvent) => void) | null) {
    setPropertyListener(this, "message", listener);
  }

  /** Adds a listener that gets an event object. Only `open`, `message`, `error` and `close` have one. */
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: EventListener<WebSocketEventMap[K]>,
    options?: EventListenerOptions,
  ): void {
    addWrapped(this, type, listener, options);
  }

  /** Removes a listener that `addEventListener` added. */
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: EventListener<WebSocketEventMap[K]>,
  ): void {
    removeWrapped(this, type, listener);
  }

  #sendControl(
    type: "ping" | "pong",
    data: unknown,
    mask: boolean | SendCallback | undefined,
    onWritten: SendCallback | undefined,
  ): void {
    if (typeof data === "function") {
      this.#sendControl(type, undefined, undefined, data as SendCallback);
      return;
    }
    if (typeof mask === "function") {
      this.#sendControl(type, data, undefined, mask);
      return;
    }
    const callback = readCallback(onWritten);
    if (this.readyState !== ReadyState.Open) {
      this.#refuse(data, callback);
      return;
    }
    this.#output!.sendControl(type, data, mask, callback);
  }

  /** Handles data that is sent in a state other than OPEN. */
  #refuse(data: unknown, callback: SendCallback | undefined): void {
    const { readyState } = this;
    if (readyState === ReadyState.Connecting) throw notOpenError(readyState);
    this.#unsentBytes += byteLengthOf(data);
    if (callback !== undefined) process.nextTick(callback, notOpenError(readyState));
  }

  #abortHandshake(): void {
    // Only a client has a handshake, which `failHandshake` ends.
    this.#handshakeState = ReadyState.Closing;
    const error = new Error("WebSocket was closed before the connection was established");
    this.#handshake?.abort(error);
  }
}

SocketEvents.originalPong = Reflect.get(WebSocket.prototype, "pong");

for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
  Object.defineProperty(WebSocket, name, { value, enumerable: true });
  Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
}

for (const name of [
  "binaryType",
  "bufferedAmount",
  "extensions",
  "isPaused",
  "onclose",
  "onerror",
  "onmessage",
  "onopen",
  "protocol",
  "readyState",
  "url",
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
