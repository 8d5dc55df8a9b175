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
   * Bytes of payload that were passed to `send` and that the kernel has not accepted. Messages sent after
   * the socket began to close are counted too, but are never sent.
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
   * Sends a message. Messages leave in the order of the calls, even if a Blob must be read first. A Blob
   * that cannot be read fails the connection.
   *
   * @throws DOMException InvalidStateError while the connection is being established
   */
  send(data: WebSocketData): void;

  /**
   * Starts the closing handshake after the messages sent before. No effect once it has begun.
   *
   * @param code 1000 or 3000-4999. Default: none, which the peer sees as 1005
   * @param reason at most 123 bytes of UTF-8. Without a code it is sent with 1000
   * @throws DOMException InvalidAccessError or SyntaxError for other arguments
   */
  close(code?: number, reason?: string): void;
}

/** The class of WebSocket clients. */
export interface WebSocketConstructor extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect; events follow later, never during the call.
   *
   * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment. A relative URL needs a `location`
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
