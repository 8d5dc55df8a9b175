/** The sliding window of DEFLATE (RFC 1951) in one direction of a connection. */
export interface DeflateContext {
  /** The base-2 logarithm of the sliding window's size, from 8 to 15 (RFC 7692 7.1.2). */
  readonly windowBits: number;
  /**
   * Whether the window is kept from one message to the next: context takeover (RFC 7692 7.1.1). Without it,
   * messages are compressed independently, and one codec can serve all connections.
   */
  readonly takesOver: boolean;
}

/** Settings of a compressor that do not change how the peer decompresses. */
export interface DeflateTuning {
  /** The memory for the compressor's own tables, from 1 to 9; each step doubles it. Default: the codec's. */
  readonly memoryLevel?: number | undefined;
  /** The number of a strategy of zlib, from 0 to 4. Default: 0. */
  readonly strategy?: number | undefined;
}

/** Why a message could not be inflated. */
export type InflateFailure = "too-big" | "invalid";

/** Compresses messages, one at a time. */
export interface Deflater {
  /**
   * Compresses a message of at least one byte as in RFC 7692 7.2.1, and removes the last four bytes. The next
   * call of any deflater of the codec may overwrite the result.
   */
  deflate(message: Uint8Array): Uint8Array;
  /** Frees the memory that the garbage collector does not manage. */
  close(): void;
}

/** Decompresses messages, one at a time. */
export interface Inflater {
  /**
   * Decompresses the message in `bytes[start, end)` as in RFC 7692 7.2.2. It stops as soon as the result
   * exceeds `maxBytes`. Nothing that a peer sends makes it throw. The next call of any inflater of the codec
   * may overwrite the result.
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

/**
 * A runtime's implementation of DEFLATE. Without context takeover, it may return the same deflater or
 * inflater more than once.
 */
export interface DeflateCodec {
  /** The smallest `windowBits` with which it can compress messages. */
  readonly minWindowBits: number;
  /**
   * @param level from 1 (the fastest) to 9 (the smallest messages); a codec over zlib also accepts 0 (no
   *   compression) and -1 (zlib's default)
   * @param tuning default: the codec's own settings
   */
  createDeflater(context: DeflateContext, level: number, tuning?: DeflateTuning): Deflater;
  createInflater(context: DeflateContext): Inflater;
}
