/** The sliding window of DEFLATE (RFC 1951) in one direction of a connection. */
export interface DeflateContext {
  /** The base-2 logarithm of the sliding window's size, from 8 to 15 (RFC 7692 7.1.2). */
  readonly windowBits: number;
  /**
   * Whether the window is kept from message to message (RFC 7692 7.1.1). If it is not, messages are
   * compressed independently, and one codec can serve all connections.
   */
  readonly takesOver: boolean;
}

/** Why a message could not be inflated. */
export type InflateFailure = "too-big" | "invalid";

/** Compresses messages, one at a time. */
export interface Deflater {
  /**
   * Compresses a message of at least one byte as in RFC 7692 7.2.1, the last four bytes removed. The
   * result may be overwritten by the next call to any deflater of the codec.
   */
  deflate(message: Uint8Array): Uint8Array;
  /** Frees the memory that the garbage collector does not manage. */
  close(): void;
}

/** Restores messages, one at a time. */
export interface Inflater {
  /**
   * Restores the message in `bytes[start, end)` as in RFC 7692 7.2.2. It stops as soon as there are
   * more than `maxBytes`, and nothing that a peer sends makes it throw. The result may be overwritten by
   * the next call to any inflater of the codec.
   */
  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxBytes: number,
  ): Uint8Array | InflateFailure;
  /** Frees the memory that the garbage collector does not manage. */
  close(): void;
}

/** The DEFLATE of a runtime. Without context takeover it may return the same object more than once. */
export interface DeflateCodec {
  /** The smallest window that messages can be compressed with, as `windowBits`. */
  readonly minWindowBits: number;
  /** `level`: from 1, the fastest, to 9, the smallest. */
  createDeflater(context: DeflateContext, level: number): Deflater;
  createInflater(context: DeflateContext): Inflater;
}
