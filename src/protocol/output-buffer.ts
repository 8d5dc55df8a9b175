import type { SharedBytes, SharedOutput } from "./shared-output.ts";

/** A pool of output buffers. */
export interface BufferPool {
  /** Returns a buffer of at least `minBytes` that nothing else uses. */
  take(minBytes: number): Uint8Array;
  /** Gives a buffer that `take` returned back to the pool. */
  give(buffer: Uint8Array): void;
}

const EMPTY = new Uint8Array(0);

/**
 * The bytes of the next write. Frames are written directly into it, so a frame needs no separate buffer.
 * While no output waits, it has no storage.
 */
export class OutputBuffer {
  /** The storage. Its first `length` bytes are in use. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  /** The number of bytes that compression saved in the frames. */
  savedBytes = 0;
  readonly #pool: BufferPool;
  readonly #sharedOutput: SharedOutput | undefined;
  /** Set if other connections share all of `bytes`. */
  #shared: SharedBytes | undefined;

  /** @param sharedOutput shares frames between connections; default: each connection has a copy */
  constructor(pool: BufferPool, sharedOutput?: SharedOutput) {
    this.#pool = pool;
    this.#sharedOutput = sharedOutput;
  }

  /** Whether `bytes` is shared. Shared bytes must not be changed, or given back to the pool. */
  get isShared(): boolean {
    return this.#shared !== undefined;
  }

  /** Makes room for `byteCount` bytes after `length`. This may replace `bytes` with another array. */
  reserve(byteCount: number): void {
    if (this.bytes.length - this.length >= byteCount) return;
    const smaller = this.bytes;
    const larger = this.#pool.take(Math.max(this.length + byteCount, smaller.length * 2));
    if (this.length > 0) larger.set(smaller.subarray(0, this.length));
    this.bytes = larger;
    if (smaller.length > 0 && this.#shared === undefined) this.#pool.give(smaller);
    this.#shared = undefined;
  }

  /**
   * Appends a frame that other connections append too, and that must not change any more. While all appended
   * frames are shared, they are not copied. Connections that append the same frames pass the same `kind`.
   */
  append(frame: Uint8Array, kind: string): void {
    const shared = this.#share(frame, kind);
    if (shared === undefined) {
      this.reserve(frame.length);
      this.bytes.set(frame, this.length);
      this.length += frame.length;
    } else {
      this.#shared = shared;
      this.bytes = shared.bytes;
      this.length = shared.bytes.length;
    }
  }

  #share(frame: Uint8Array, kind: string): SharedBytes | undefined {
    if (this.#shared !== undefined) return this.#shared.followedBy(frame);
    if (this.length > 0 || this.#sharedOutput === undefined) return undefined;
    if (this.bytes.length > 0) this.#pool.give(this.bytes);
    return this.#sharedOutput.begin(frame, kind);
  }

  /**
   * Returns the storage and resets this object. Unless the storage was shared, the caller gives it back with
   * `recycle`.
   */
  detach(): Uint8Array {
    const bytes = this.bytes;
    this.bytes = EMPTY;
    this.length = 0;
    this.savedBytes = 0;
    this.#shared = undefined;
    return bytes;
  }

  /** Gives storage that `detach` returned back to the pool. */
  recycle(bytes: Uint8Array): void {
    this.#pool.give(bytes);
  }
}
