/**
 * The server to which `createConnection` opens a byte stream. You can pass it to `net.connect` as options.
 */
export interface ConnectionTarget {
  /** The URL of the WebSocket. */
  readonly url: URL;
  /** The host of the URL. An IPv6 address has no brackets. `localhost` for a Unix socket. */
  readonly host: string;
  /** The port of the URL. Default: 80 for `ws:`, 443 for `wss:`. */
  readonly port: number;
  /** The path of the Unix socket, for a `ws+unix:` URL. */
  readonly path?: string;
  /** Aborts when the attempt ends before the connection is open. Then stop opening the stream. */
  readonly signal: AbortSignal;
}

/**
 * A stream of bytes in both directions, such as a socket of `node:net` or any other `Duplex` of
 * `node:stream`.
 */
export interface ByteStream {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  write(bytes: Uint8Array): unknown;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** Opens the byte stream to a server: the type of the option `createConnection`. */
export type CreateConnection = (target: ConnectionTarget) => ByteStream | PromiseLike<ByteStream>;
