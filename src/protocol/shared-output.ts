/** Above this, what is sent in one turn is copied to each connection. */
const MAX_SHARED_BYTES = 65_536;

const MIN_STORAGE_BYTES = 4096;

/**
 * The output that connections have in common which are sent the same frames in one turn: the first of
 * them puts it together, the others find it. Of each kind of frames the latest is remembered.
 *
 * So the kernel reads for all of them what is in the cache already, and nothing is copied.
 */
export class SharedOutput {
  readonly #allocate: (byteLength: number) => Uint8Array;
  readonly #latest = new Map<string, SharedBytes>();

  constructor(allocate: (byteLength: number) => Uint8Array) {
    this.#allocate = allocate;
  }

  /** A frame that comes first, and that nobody changes any more. */
  begin(frame: Uint8Array, kind: string): SharedBytes {
    const latest = this.#latest.get(kind);
    if (latest?.bytes === frame) return latest;
    const begun = new SharedBytes(frame, frame, this.#allocate);
    if (frame.length <= MAX_SHARED_BYTES) this.#latest.set(kind, begun);
    return begun;
  }
}

/** Some frames in a row, and what came next. */
export class SharedBytes {
  /** Nobody changes them any more. */
  readonly bytes: Uint8Array;
  /** What begins with `bytes`; behind them there may be room. */
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

  /** These and a frame behind them; undefined if that is not what others go on with, or too long. */
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

  /** Where a connection is slow it pins this, so there is no more of it than twice what it writes. */
  #storageOf(byteLength: number): Uint8Array {
    if (byteLength <= this.#storage.length) return this.#storage;
    const storage = this.#allocate(Math.max(MIN_STORAGE_BYTES, 2 * byteLength));
    storage.set(this.bytes);
    return storage;
  }
}
