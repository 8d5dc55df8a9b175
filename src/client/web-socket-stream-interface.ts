import type { WebSocketOptions } from "./options.ts";
import type { WebSocketCloseInfo } from "./web-socket-error.ts";

/**
 * The options of a `WebSocketStream`. Every option except `protocols` and `signal` is an extension of the
 * standard.
 */
export interface WebSocketStreamOptions extends Omit<WebSocketOptions, "protocols" | "signal"> {
  /** The subprotocols to offer, in order of preference. Default: none. */
  readonly protocols?: Iterable<string>;
  /** Aborts the opening handshake; has no effect once the connection is open. */
  readonly signal?: AbortSignal;
}

/** A message to write: a string becomes a text message, bytes a binary message. */
export type WebSocketStreamChunk = string | ArrayBuffer | ArrayBufferView;

/** The streams and properties of an open connection. */
export interface WebSocketOpenInfo {
  /**
   * The received messages: text as strings, binary as bytes. The stream queues up to 64 KiB. While the queue
   * is full, the client stops reading from the network, so the server must wait for this stream's reader.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** Sends every chunk as a message. A write has finished when the kernel has accepted its bytes. */
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
 * Canceling the readable, and closing or aborting the writable, starts the closing handshake. To choose the
 * close code, pass a `WebSocketError` as the reason. After a clean close, the readable ends, and a write
 * rejects with an InvalidStateError. After any other end, both streams and `closed` fail with the same
 * `WebSocketError`.
 */
export interface WebSocketStreamInstance {
  /** The URL, as the URL parser serializes it. */
  readonly url: string;
  /**
   * Resolves once the connection is open. Rejects with a `WebSocketError` if the attempt fails. If you ignore
   * the promise, its rejection does not count as unhandled.
   */
  readonly opened: Promise<WebSocketOpenInfo>;
  /**
   * Resolves with the close code and reason when the connection has ended cleanly: after the closing
   * handshake, and with all writes finished. The code is 1005 if the server's Close frame had none. Rejects
   * with a `WebSocketError` for any other end. If you ignore the promise, its rejection does not count as
   * unhandled. The server's Close frame follows its messages, so read `readable` to the end to receive it.
   */
  readonly closed: Promise<Required<WebSocketCloseInfo>>;
  /**
   * Starts the closing handshake after the earlier writes. A second call has no effect. Before the connection
   * is open, it aborts the attempt instead.
   *
   * @throws DOMException InvalidAccessError for a code that must not be sent, SyntaxError for a reason that
   *   is too long
   */
  close(info?: WebSocketCloseInfo): void;
}

export interface WebSocketStreamConstructor {
  /**
   * Starts to connect.
   *
   * @throws DOMException SyntaxError for an invalid URL or subprotocol
   * @throws UsageError `INVALID_OPTION` for an invalid option
   */
  new (url: string | URL, options?: WebSocketStreamOptions): WebSocketStreamInstance;
  readonly prototype: WebSocketStreamInstance;
}
