/** Limits the memory of many connections together. */
export class ByteBudget {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Reserves `byteCount` bytes. Returns false, and reserves nothing, if fewer are left. */
  take(byteCount: number): boolean {
    if (this.#usedBytes + byteCount > this.maxBytes) return false;
    this.#usedBytes += byteCount;
    return true;
  }

  /** Releases reserved bytes. */
  give(byteCount: number): void {
    this.#usedBytes -= byteCount;
  }
}
