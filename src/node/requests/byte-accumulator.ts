/**
 * Bytes put together in one array: thousands of chunks of a byte each would take a hundred times
 * their length.
 */
export class HeldBytes {
  #bytes: Uint8Array;
  #length: number;

  /** `first` is not copied before there is more. */
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

  /** Returns all of them, and is empty again. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}
