import type { SharedBytes, SharedOutput } from "./shared-output.ts";

/** A pool of output buffers. */
export interface BufferPool {
  /** Returns a buffer of at least `minBytes` that nothing else uses. */
  take(minBytes: number): Uint8Array;
  /** Returns a buffer from `take` to the pool. */
  give(buffer: Uint8Array): void;
}

const EMPTY = new Uint8Array(0);

/**
 * The bytes of the next write. Frames are appended in place, so a frame needs no buffer. Without waiting
 * output there is no buffer.
 */
export class OutputBuffer {
  /** The storage; filled up to `length`. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  /** The number of bytes that compression saved in the frames. */
  savedBytes = 0;
  readonly #pool: BufferPool;
  readonly #sharedOutput: SharedOutput | undefined;
  /** Set if all of `bytes` is shared with other connections. */
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

  /** Makes room for `byteCount` bytes after `length`; `bytes` may be another array afterwards. */
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
   * Appends a frame that other connections append too, and that does not change any more. It is not
   * copied while all appended frames are shared. Connections that append the same frames pass the same
   * `kind`.
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
   * Returns the storage and resets. Unless the storage was shared, the caller returns it with `recycle`.
   */
  detach(): Uint8Array {
    const bytes = this.bytes;
    this.bytes = EMPTY;
    this.length = 0;
    this.savedBytes = 0;
    this.#shared = undefined;
    return bytes;
  }

  /** Returns storage from `detach` to the pool. */
  recycle(bytes: Uint8Array): void {
    this.#pool.give(bytes);
  }
}
