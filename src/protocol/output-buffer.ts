import type { SharedBytes, SharedOutput } from "./shared-output.ts";

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
  /** By how many bytes compression has made the frames shorter. */
  savedBytes = 0;
  readonly #pool: BufferPool;
  readonly #sharedOutput: SharedOutput | undefined;
  /** Where `bytes`, all of them, are others' too. */
  #shared: SharedBytes | undefined;

  /** @param sharedOutput by which frames for many are shared; default: each has a copy */
  constructor(pool: BufferPool, sharedOutput?: SharedOutput) {
    this.#pool = pool;
    this.#sharedOutput = sharedOutput;
  }

  /** Whether `bytes` are others' too: nobody may change them, or give them back to the pool. */
  get isShared(): boolean {
    return this.#shared !== undefined;
  }

  /** Makes room for `byteCount` bytes behind `length`; `bytes` may be another array afterwards. */
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
   * Appends a frame that others append too, and that nobody changes any more: without a copy, as long
   * as nothing else is appended. `kind` is the same for those who append the same frames.
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
   * Hands over the storage and starts anew without any. The caller gives it back to the pool, unless
   * it was shared.
   */
  detach(): Uint8Array {
    const bytes = this.bytes;
    this.bytes = EMPTY;
    this.length = 0;
    this.savedBytes = 0;
    this.#shared = undefined;
    return bytes;
  }
}
