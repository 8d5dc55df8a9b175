import type { WebSocketOptions } from "./options.ts";
import type { WebSocketCloseInfo } from "./web-socket-error.ts";

/**
 * The options of a `WebSocketStream`. Every option except `protocols` and `signal` is an extension of the
 * standard.
 */
export interface WebSocketStreamOptions extends Omit<WebSocketOptions, "protocols" | "signal"> {
  /** The subprotocols to offer, in order of preference. Default: none. */
  readonly protocols?: Iterable<string>;
  /** Aborts an attempt to connect. No effect once the connection is open. */
  readonly signal?: AbortSignal;
}

/** A message to write: a string becomes a text message, bytes a binary message. */
export type WebSocketStreamChunk = string | ArrayBuffer | ArrayBufferView;

/** The streams and properties of an open connection. */
export interface WebSocketOpenInfo {
  /**
   * The messages: text as strings, binary as bytes. Up to 64 KiB wait in it. Beyond that nothing more is
   * read from the network, so the server must wait for this stream's reader.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** Every chunk is a message. A write is done when the kernel has accepted its bytes. */
  readonly writable: WritableStream<WebSocketStreamChunk>;
  /** The extensions that the server agreed to, or the empty string. */
  readonly extensions: string;
  /** The subprotocol that the server chose, or the empty string. */
  readonly protocol: string;
  /** The header fields of the server's response, an extension of the standard; absent in a browser. */
  readonly responseHeaders?: Headers;
}

/**
 * A WebSocket connection as two streams, with backpressure both ways (WHATWG WebSockets, pull
 * request 48).
 *
 * ```ts
 * const stream = new WebSocketStream("wss://example.com/feed");
 * const { readable, writable } = await stream.opened;
 * await file.pipeTo(writable, { preventClose: true });
 * for await (const message of readable) console.log(message);
 * ```
 *
 * Canceling the readable, and closing or aborting the writable, starts the closing handshake. Pass a
 * `WebSocketError` as the reason to choose the code. After a clean close the readable ends, and a write
 * rejects with an InvalidStateError. After any other end both streams and `closed` fail with the same
 * `WebSocketError`.
 */
export interface WebSocketStreamInstance {
  /** The URL as parsed and serialized. */
  readonly url: string;
  /** Rejects with a `WebSocketError` if the attempt fails. An unhandled rejection is not reported. */
  readonly opened: Promise<WebSocketOpenInfo>;
  /**
   * How the connection ended. The code is 1005 if the server's Close frame had none. Rejects with a
   * `WebSocketError` unless it ended cleanly, that is after the closing handshake and with all writes done.
   * An unhandled rejection is not reported. The server's Close frame follows its messages, so read the
   * readable to receive it.
   */
  readonly closed: Promise<Required<WebSocketCloseInfo>>;
  /**
   * Starts the closing handshake after the writes before it. No effect once it has begun. While
   * connecting, it aborts the attempt instead.
   *
   * @throws DOMException InvalidAccessError or SyntaxError for a code or reason that must not be
   *   sent
   */
  close(info?: WebSocketCloseInfo): void;
}

export interface WebSocketStreamConstructor {
  /**
   * Starts to connect.
   *
   * @throws DOMException SyntaxError for a URL or a subprotocol that is not valid
   * @throws UsageError for one of our options that is not valid
   */
  new (url: string | URL, options?: WebSocketStreamOptions): WebSocketStreamInstance;
  readonly prototype: WebSocketStreamInstance;
}
