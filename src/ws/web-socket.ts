import { EventEmitter } from "node:events";
import type { ClientRequest, ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "../connection/connection.ts";
import type { ProtocolError } from "../errors/index.ts";
import { fastEnvironment } from "../node/serve/tcp-environments.ts";
import { openConnection } from "../node/tcp/open-connection.ts";
import { readArguments } from "./client/arguments.ts";
import { OpeningHandshake } from "./client/opening-handshake.ts";
import type { ClientOptions } from "./client/options.ts";
import { toPublicError } from "./errors.ts";
import {
  addWrapped,
  type EventListener,
  type EventListenerOptions,
  propertyListener,
  removeWrapped,
  setPropertyListener,
  type WebSocketEventMap,
} from "./event-listeners.ts";
import type { CloseEvent, ErrorEvent, Event, MessageEvent } from "./event-target.ts";
import { isBinaryData, type SendableData, toSendable } from "./messages.ts";
import type { CommonOptions, SocketOptions } from "./socket-options.ts";

/** The options of `send`. */
export interface SendOptions {
  /** Whether the message is binary. Default: false for a string, and true for everything else. */
  readonly binary?: boolean | undefined;
  /** Whether to compress the message if compression was negotiated. Default: true. */
  readonly compress?: boolean | undefined;
  /** Whether this is the last fragment of the message. Default: true. */
  readonly fin?: boolean | undefined;
  /** Whether to mask the frame. Default: true on a client, false on a server. */
  readonly mask?: boolean | undefined;
}

/** Called when data was written, or with the error that prevented it. */
export type SendCallback = (error?: Error) => void;

const NO_DATA = Buffer.alloc(0);

/** A WebSocket with the interface of the package `ws`. */
export class WebSocket extends EventEmitter {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  #socket: Duplex | null = null;
  #connection: Connection | undefined;
  /** The state before there is a connection. */
  #handshakeState: ReadyState = ReadyState.Connecting;
  #handshake: OpeningHandshake | undefined;
  #options: CommonOptions;
  #closeInfo: CloseInfo | undefined;

  /**
   * Creates a socket of a server, which `setSocket` opens later.
   */
  constructor(address: null, protocols?: undefined, options?: CommonOptions);
  /**
   * Connects to a server.
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
      return;
    }
    const { offered, settings } = readArguments(protocols, options);
    this.#options = settings;
    this.#handshake = new OpeningHandshake(this, address, offered, settings);
    this.#handshake.start();
  }

  get readyState(): ReadyState {
    return this.#connection?.readyState ?? this.#handshakeState;
  }

  /** The URL of the server; undefined on a server. */
  get url(): string {
    return this.#handshake?.url as string;
  }

  /** The latest request of the opening handshake; null on a server, and after the handshake. */
  get _req(): ClientRequest | null {
    return this.#handshake?.request ?? null;
  }

  /** The number of redirects that the opening handshake has followed. */
  get _redirects(): number {
    return this.#handshake?.redirects ?? 0;
  }

  get protocol(): string {
    return this.#connection?.protocol ?? "";
  }

  /** The names of the negotiated extensions, separated by commas. */
  get extensions(): string {
    return this.#connection?.extensions ?? "";
  }

  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0;
  }

  /** Whether both sides have sent a Close frame. */
  get wasClean(): boolean {
    return this.#closeInfo?.wasClean ?? false;
  }

  /** The socket below the WebSocket; null before the opening handshake has succeeded. */
  get _socket(): Duplex | null {
    return this.#socket;
  }

  /**
   * Opens the WebSocket over a socket whose opening handshake has succeeded, and emits `open`.
   *
   * @param head the bytes that arrived right after the opening handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const {
      protocol = "",
      deflate,
      closeTimeout,
      heartbeat = false,
    } = { ...this.#options, ...options };
    this.#socket = socket;
    this.#connection = openConnection(fastEnvironment, socket, {
      role: options.role ?? (this.#handshake === undefined ? "server" : "client"),
      protocol,
      extensions: deflate === undefined ? "" : "permessage-deflate",
      head,
      deflate,
      maxMessageBytes: options.maxPayload ?? 104_857_600,
      closeTimeoutMs: closeTimeout ?? 30_000,
      heartbeat: heartbeat === true ? {} : heartbeat,
    });
    this.#connection.start(new SocketHandler(this));
    this.emit("open");
  }

  /** Ends the opening handshake of a client: emits `error`, then `close` with 1006. */
  failHandshake(error: Error): void {
    this.#handshakeState = ReadyState.Closing;
    this.emit("error", error);
    this.#handshakeState = ReadyState.Closed;
    this.emit("close", 1006, NO_DATA);
  }

  /** @throws Error if the state is CONNECTING */
  send(data: SendableData, callback?: SendCallback): void;
  send(data: SendableData, options: SendOptions, callback?: SendCallback): void;
  send(
    data: SendableData,
    options: SendOptions | SendCallback = {},
    callback?: SendCallback,
  ): void {
    if (typeof options === "function") {
      this.send(data, {}, options);
      return;
    }
    const connection = this.#openConnection();
    const bytes = toSendable(data);
    const isBinary = options.binary ?? isBinaryData(data);
    if (typeof bytes === "string" && !isBinary) connection.sendText(bytes, options.compress);
    else if (isBinary) connection.sendBinary(Buffer.from(bytes as Uint8Array), options.compress);
    else connection.sendText(String(bytes), options.compress);
    if (callback !== undefined) process.nextTick(callback);
  }

  ping(data: SendableData = ""): void {
    this.#openConnection().ping(Buffer.from(toSendable(data) as Uint8Array));
  }

  close(code?: number, reason: string | Buffer = ""): void {
    if (this.#connection === undefined) this.#abortHandshake();
    else this.#connection.close(code, String(reason));
  }

  terminate(): void {
    if (this.#connection === undefined) this.#abortHandshake();
    else this.#connection.terminate();
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  get onopen(): ((event: Event) => void) | null {
    return propertyListener(this, "open");
  }

  set onopen(listener: ((event: Event) => void) | null) {
    setPropertyListener(this, "open", listener);
  }

  get onerror(): ((event: ErrorEvent) => void) | null {
    return propertyListener(this, "error");
  }

  set onerror(listener: ((event: ErrorEvent) => void) | null) {
    setPropertyListener(this, "error", listener);
  }

  get onclose(): ((event: CloseEvent) => void) | null {
    return propertyListener(this, "close");
  }

  set onclose(listener: ((event: CloseEvent) => void) | null) {
    setPropertyListener(this, "close", listener);
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
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

  #openConnection(): Connection {
    if (this.#connection === undefined) {
      throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
    }
    return this.#connection;
  }

  #abortHandshake(): void {
    if (this.#handshakeState !== ReadyState.Connecting) return;
    this.#handshakeState = ReadyState.Closing;
    const error = new Error("WebSocket was closed before the connection was established");
    this.#handshake?.abort(error);
  }

  /** Called when the connection is closed. */
  finish(info: CloseInfo): void {
    this.#closeInfo = info;
    this.emit("close", info.code, Buffer.from(info.reason));
  }
}

for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
  Object.defineProperty(WebSocket, name, { value, enumerable: true });
  Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
}

/** Emits the events of a connection on its WebSocket. */
class SocketHandler implements ConnectionHandler {
  readonly #webSocket: WebSocket;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
  }

  onText(text: string): void {
    this.#webSocket.emit("message", Buffer.from(text), false);
  }

  onBinary(bytes: Uint8Array): void {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#webSocket.emit("message", data, true);
  }

  onPing(payload: Uint8Array): void {
    this.#webSocket.emit("ping", Buffer.from(payload));
  }

  onPong(payload: Uint8Array): void {
    this.#webSocket.emit("pong", Buffer.from(payload));
  }

  onClosing(error?: ProtocolError): void {
    if (error !== undefined) this.#webSocket.emit("error", toPublicError(error));
  }

  onClose(info: CloseInfo): void {
    this.#webSocket.finish(info);
  }
}
