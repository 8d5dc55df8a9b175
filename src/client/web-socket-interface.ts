import type { WebSocketCloseEvent } from "./close-event.ts";
import type { EventHandler } from "./event-handlers.ts";
import type { WebSocketStreamProviders, WebSocketStreams } from "./event-streams.ts";
import type { WebSocketOptions } from "./options.ts";
import type {
  TypedEventTarget,
  WebSocketErrorEvent,
  WebSocketEventMap,
  WebSocketMessageEvent,
  WebSocketOpenEvent,
} from "./web-socket-events.ts";

/** How binary messages are handed out. */
export type BinaryType = "blob" | "arraybuffer";

/** What can be sent: a string as a text message, all else as a binary one. */
export type WebSocketData = string | Blob | ArrayBuffer | ArrayBufferView;

/** On the class and on its instances. */
export interface ReadyStateConstants {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/**
 * A WebSocket client: the `WebSocket` interface of the WHATWG WebSockets standard, section 3.1, with event
 * streams added.
 */
export interface WebSocketInstance
  extends TypedEventTarget<WebSocketEventMap>, ReadyStateConstants, WebSocketStreams {
  /** The URL as parsed and serialized. */
  readonly url: string;
  /** One of the constants above. */
  readonly readyState: number;
  /**
   * Bytes of payload that were passed to `send` and have not left for the kernel. What is sent
   * after the socket began to close is counted, though it never leaves.
   */
  readonly bufferedAmount: number;
  /** The extensions that the server agreed to, or the empty string. */
  readonly extensions: string;
  /** The subprotocol that the server chose, or the empty string. */
  readonly protocol: string;
  /** How binary messages are handed out; another value is ignored. Default: `"blob"`. */
  binaryType: BinaryType;

  onopen: EventHandler<WebSocketOpenEvent>;
  onmessage: EventHandler<WebSocketMessageEvent>;
  onerror: EventHandler<WebSocketErrorEvent>;
  onclose: EventHandler<WebSocketCloseEvent>;

  /**
   * Sends a message. Messages leave in the order of the calls, also around a Blob that is still
   * being read; a Blob that cannot be read fails the connection.
   *
   * @throws DOMException InvalidStateError while the connection is being established
   */
  send(data: WebSocketData): void;

  /**
   * Starts the closing handshake, behind what was sent before; without effect once it has begun.
   *
   * @param code 1000 or 3000-4999. Default: none, which the peer sees as 1005
   * @param reason at most 123 bytes of UTF-8; given alone it is sent with the code 1000
   * @throws DOMException InvalidAccessError or SyntaxError for other arguments
   */
  close(code?: number, reason?: string): void;
}

/** The class of WebSocket clients. */
export interface WebSocketConstructor extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect; events follow later, never during the call.
   *
   * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment. A relative URL is resolved
   *   where there is a `location`
   * @param protocols the subprotocols to offer, in order of preference; or the options
   * @param options an extension of the standard: the second argument, or the third one as with `ws`
   * @throws DOMException SyntaxError for a URL or a subprotocol that is not valid
   * @throws UsageError for an option that is not valid, or that a browser cannot honour
   */
  new (
    url: string | URL,
    protocols?: string | readonly string[] | WebSocketOptions,
    options?: WebSocketOptions,
  ): WebSocketInstance;
  readonly prototype: WebSocketInstance;
}
