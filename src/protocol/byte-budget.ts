/** Memory that many connections share: what one holds, the others cannot. */
export class ByteBudget {
  readonly maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Sets `byteCount` bytes aside; false, and nothing is, if there are not so many left. */
  take(byteCount: number): boolean {
    if (this.#heldBytes + byteCount > this.maxBytes) return false;
    this.#heldBytes += byteCount;
    return true;
  }

  /** Gives back what was taken. */
  give(byteCount: number): void {
    this.#heldBytes -= byteCount;
  }
}
