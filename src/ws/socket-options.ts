import type { HeartbeatOptions } from "../connection/heartbeat.ts";
import type { DeflateAgreement } from "../protocol/deflate/negotiation.ts";

/** Options of a {@link WebSocket} that apply in both roles. */
export interface CommonOptions {
  /**
   * Whether several `message`, `ping` and `pong` events may be emitted in one turn of the event loop. Default:
   * true.
   */
  readonly allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered automatically. Default: true. */
  readonly autoPong?: boolean | undefined;
  /**
   * How long the closing handshake may take after `close()`, in milliseconds, before the connection is
   * dropped. Default: 30,000.
   */
  readonly closeTimeout?: number | undefined;
  /** The maximum size of a received message, in bytes. 0 removes the limit. Default: 104,857,600 (100 MiB). */
  readonly maxPayload?: number | undefined;
  /** The maximum number of fragments in a received message. 0 removes the limit. Default: 131,072. */
  readonly maxFragments?: number | undefined;
  /** Whether to skip the UTF-8 validation of text and close reasons. Default: false. */
  readonly skipUTF8Validation?: boolean | undefined;
  /**
   * The maximum number of bytes that wait to be sent. Above it, the connection is closed with 1013. Default:
   * no limit. The package `ws` does not have this option.
   */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * Pings a silent peer, and drops it if it remains silent. Default: false. The package `ws` does not have
   * this option.
   */
  readonly heartbeat?: boolean | HeartbeatOptions | undefined;
}

/** What the opening handshake determined, for `WebSocket.setSocket`. */
export interface SocketOptions extends CommonOptions {
  /** Which end of the connection this is. Default: server if the address was null, otherwise client. */
  readonly role?: "client" | "server" | undefined;
  /** The negotiated subprotocol. Default: none. */
  readonly protocol?: string | undefined;
  /** The negotiated compression (RFC 7692), from the point of view of this side. Default: no compression. */
  readonly deflate?: DeflateAgreement | undefined;
  /**
   * Fills the buffer with the masking key of the next frame that a client sends. Default: random keys from a
   * cryptographically strong source.
   */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
}
