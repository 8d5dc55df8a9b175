import type { WebSocketOptions } from "./options.ts";
import type { WebSocketCloseInfo } from "./web-socket-error.ts";

/** What a `WebSocketStream` takes. All beside `protocols` and `signal` is our extension. */
export interface WebSocketStreamOptions extends Omit<WebSocketOptions, "protocols" | "signal"> {
  /** The subprotocols to offer, in order of preference. Default: none. */
  readonly protocols?: Iterable<string>;
  /** Gives up an attempt to connect; without effect once the connection is open. */
  readonly signal?: AbortSignal;
}

/** What can be written: a string becomes a text message, bytes a binary one. */
export type WebSocketStreamChunk = string | ArrayBuffer | ArrayBufferView;

/** What there is once the connection is open. */
export interface WebSocketOpenInfo {
  /**
   * The messages: text as strings, binary as bytes. Up to 64 KiB wait in it; beyond that nothing
   * more is read from the network, so the server has to wait for this stream's reader.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** Every chunk is a message. A write is done when its bytes have left for the kernel. */
  readonly writable: WritableStream<WebSocketStreamChunk>;
  /** The extensions agreed upon, or the empty string. */
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
 * Canceling the readable, and closing or aborting the writable, starts the closing handshake; a
 * `WebSocketError` given as the reason says with which code. After a clean close the readable ends
 * and a write is refused with an InvalidStateError. After any other end both streams, and `closed`,
 * fail with the same `WebSocketError`.
 */
export interface WebSocketStreamInstance {
  /** The URL as parsed and serialized. */
  readonly url: string;
  /** Rejects with a `WebSocketError` if there will be no connection. Need not be looked at. */
  readonly opened: Promise<WebSocketOpenInfo>;
  /**
   * How the connection ended; the code is 1005 where the server's Close frame held none. Rejects
   * with a `WebSocketError` if it did not end cleanly, with the closing handshake done and all that
   * was written gone. Need not be looked at. The server's close comes behind what it sent: who does
   * not read the readable does not learn of it.
   */
  readonly closed: Promise<Required<WebSocketCloseInfo>>;
  /**
   * Starts the closing handshake, behind what was written; without effect once it has begun. While
   * connecting it gives up instead.
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
