/**
 * Appends chunks to one byte array, which doubles its size when it is full. A list of thousands of one-byte
 * chunks would use a hundred times as much memory.
 */
export class ByteAccumulator {
  #bytes: Uint8Array;
  #length: number;

  /** @param first the first bytes; not copied until more bytes are appended */
  constructor(first: Uint8Array = new Uint8Array(0)) {
    this.#bytes = first;
    this.#length = first.length;
  }

  get length(): number {
    return this.#length;
  }

  append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** Returns all bytes and empties the accumulator. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}
