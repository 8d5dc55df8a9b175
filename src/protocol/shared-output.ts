/** If the output of one turn of the event loop is longer, it is copied for each connection. */
const MAX_SHARED_BYTES = 65_536;

const MIN_STORAGE_BYTES = 4096;

/**
 * The output that connections share if they send the same frames in one turn of the event loop. The first
 * connection builds the output, and the others reuse it. The latest output is kept for each kind of
 * connection.
 *
 * The other connections copy nothing, and the kernel reads bytes that are already in the processor's cache.
 */
export class SharedOutput {
  readonly #allocate: (byteLength: number) => Uint8Array;
  readonly #latest = new Map<string, SharedBytes>();

  constructor(allocate: (byteLength: number) => Uint8Array) {
    this.#allocate = allocate;
  }

  /** Begins output with `frame`, which must not change any more. */
  begin(frame: Uint8Array, kind: string): SharedBytes {
    const latest = this.#latest.get(kind);
    if (latest?.bytes === frame) return latest;
    const output = new SharedBytes(frame, frame, this.#allocate);
    if (frame.length <= MAX_SHARED_BYTES) this.#latest.set(kind, output);
    return output;
  }
}

/** Consecutive frames, and the frame that followed them. */
export class SharedBytes {
  /** These bytes do not change any more. */
  readonly bytes: Uint8Array;
  /** The storage of `bytes`, which are at its beginning. There may be free space after them. */
  readonly #storage: Uint8Array;
  readonly #allocate: (byteLength: number) => Uint8Array;
  #nextFrame: Uint8Array | undefined;
  #next: SharedBytes | undefined;

  constructor(
    bytes: Uint8Array,
    storage: Uint8Array,
    allocate: (byteLength: number) => Uint8Array,
  ) {
    this.bytes = bytes;
    this.#storage = storage;
    this.#allocate = allocate;
  }

  /** Adds `frame`. Returns undefined if another frame already follows, or if the result would be too long. */
  followedBy(frame: Uint8Array): SharedBytes | undefined {
    const end = this.bytes.length + frame.length;
    if (this.#nextFrame === undefined && end <= MAX_SHARED_BYTES) {
      const storage = this.#storageOf(end);
      storage.set(frame, this.bytes.length);
      this.#nextFrame = frame;
      this.#next = new SharedBytes(storage.subarray(0, end), storage, this.#allocate);
    }
    return this.#nextFrame === frame ? this.#next : undefined;
  }

  /**
   * Returns storage for the output. A slow connection keeps the storage in memory, so it is at most twice as
   * large as the output, or 4 KiB.
   */
  #storageOf(byteLength: number): Uint8Array {
    if (byteLength <= this.#storage.length) return this.#storage;
    const storage = this.#allocate(Math.max(MIN_STORAGE_BYTES, 2 * byteLength));
    storage.set(this.bytes);
    return storage;
  }
}
