/** The server that a byte stream must lead to. `net.connect` of Node takes a target as its options. */
export interface ConnectionTarget {
  /** The URL of the WebSocket. */
  readonly url: URL;
  /** The host of the URL, an IPv6 address without brackets; `localhost` for a Unix socket. */
  readonly host: string;
  /** The port of the URL, or 80 or 443 by its scheme. */
  readonly port: number;
  /** The Unix socket of a `ws+unix:` URL. */
  readonly path?: string;
  /** Aborted when the attempt ends before the connection is open: stop opening the stream then. */
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
