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

/** The type of received binary messages. */
export type BinaryType = "blob" | "arraybuffer";

/** A message to send: a string becomes a text message, other data a binary message. */
export type WebSocketData = string | Blob | ArrayBuffer | ArrayBufferView;

/** The constants of `readyState`, on the class and on its instances. */
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
  /** The URL, as the URL parser serializes it. */
  readonly url: string;
  /** The state of the connection: CONNECTING, OPEN, CLOSING or CLOSED. */
  readonly readyState: number;
  /**
   * The number of payload bytes that were passed to `send` and that the kernel has not accepted yet. It
   * includes messages that were passed to `send` after the socket began to close, which are never sent.
   */
  readonly bufferedAmount: number;
  /** The extensions that the server agreed to, or the empty string. */
  readonly extensions: string;
  /** The subprotocol that the server chose, or the empty string. */
  readonly protocol: string;
  /** The type of received binary messages; other values are ignored. Default: `"blob"`. */
  binaryType: BinaryType;

  onopen: EventHandler<WebSocketOpenEvent>;
  onmessage: EventHandler<WebSocketMessageEvent>;
  onerror: EventHandler<WebSocketErrorEvent>;
  onclose: EventHandler<WebSocketCloseEvent>;

  /**
   * Sends a message. Messages are sent in the order of the calls, even if a Blob must be read first. A Blob
   * that cannot be read fails the connection.
   *
   * @throws DOMException InvalidStateError while `readyState` is CONNECTING
   */
  send(data: WebSocketData): void;

  /**
   * Sends the remaining messages, and then starts the closing handshake. A second call has no effect.
   *
   * @param code 1000 or 3000-4999. Default: none, which the peer sees as 1005
   * @param reason at most 123 bytes of UTF-8. If you pass a reason without a code, it is sent with 1000
   * @throws DOMException InvalidAccessError for another code, SyntaxError for a longer reason
   */
  close(code?: number, reason?: string): void;
}

/** The class of WebSocket clients. */
export interface WebSocketConstructor extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect; events follow later, never during the call.
   *
   * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment. A relative URL is resolved against
   *   `globalThis.location`, and throws without one
   * @param protocols the subprotocols to offer, in order of preference; or the options
   * @param options the options, an extension of the standard. Pass them as the second argument, or as the
   *   third argument as with `ws`
   * @throws DOMException SyntaxError for an invalid URL or subprotocol
   * @throws UsageError `INVALID_OPTION` for an invalid option, or for an option that a browser does not
   *   support
   */
  new (
    url: string | URL,
    protocols?: string | readonly string[] | WebSocketOptions,
    options?: WebSocketOptions,
  ): WebSocketInstance;
  readonly prototype: WebSocketInstance;
}
