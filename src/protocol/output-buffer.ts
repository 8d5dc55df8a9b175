/** Where output buffers come from and go back to. */
export interface BufferPool {
  /** Returns a buffer of at least `minBytes` that nothing else uses. */
  take(minBytes: number): Uint8Array;
  /** Takes back a buffer from `take` that nobody reads any more. */
  give(buffer: Uint8Array): void;
}

const EMPTY = new Uint8Array(0);

/**
 * The bytes that are to leave in the next write. Frames are appended in place: there is no buffer
 * a frame, and none at all while nothing waits.
 */
export class OutputBuffer {
  /** The storage; filled up to `length`. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  readonly #pool: BufferPool;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Makes room for `byteCount` bytes behind `length`; `bytes` may be another array afterwards. */
  reserve(byteCount: number): void {
    if (this.bytes.length - this.length >= byteCount) return;
    const smaller = this.bytes;
    const larger = this.#pool.take(Math.max(this.length + byteCount, smaller.length * 2));
    if (this.length > 0) larger.set(smaller.subarray(0, this.length));
    this.bytes = larger;
    if (smaller.length > 0) this.#pool.give(smaller);
  }

  /** Hands over the storage and starts anew without any; the caller gives it back to the pool. */
  detach(): Uint8Array {
    const bytes = this.bytes;
    this.bytes = EMPTY;
    this.length = 0;
    return bytes;
  }
}
