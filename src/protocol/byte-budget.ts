/** Memory that many connections share: what one holds, the others cannot. */
export class ByteBudget {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Sets `byteCount` bytes aside; false, and nothing is, if there are not so many left. */
  take(byteCount: number): boolean {
    if (this.#usedBytes + byteCount > this.maxBytes) return false;
    this.#usedBytes += byteCount;
    return true;
  }

  /** Gives back what was taken. */
  give(byteCount: number): void {
    this.#usedBytes -= byteCount;
  }
}
