/** A list of entries, which can only grow. A reader gets the entries from an index on, and then waits for more. */
export class Journal {
  readonly #entries: string[] = [];
  readonly #readers = new Set<JournalReader>();
  #opened = 0;

  /** The number of entries. */
  get length(): number {
    return this.#entries.length;
  }

  /** The current number of readers. */
  get readers(): number {
    return this.#readers.size;
  }

  /** The number of readers since the start. */
  get opened(): number {
    return this.#opened;
  }

  /** Returns the number of entries. */
  append(entry: string): number {
    const length = this.#entries.push(entry);
    for (const reader of this.#readers) reader.wake();
    return length;
  }

  /** Reads from the entry with the index `from` on, until the reader returns or `signal` aborts. */
  read(from: number, signal?: AbortSignal): JournalReader {
    const reader = new JournalReader(this.#entries, from, () => this.#readers.delete(reader));
    this.#opened++;
    this.#readers.add(reader);
    signal?.addEventListener("abort", () => void reader.return());
    return reader;
  }
}

/** An async iterator that ends at once when it returns, unlike a generator that waits. */
export class JournalReader implements AsyncIterableIterator<[index: number, entry: string]> {
  readonly #entries: readonly string[];
  readonly #onReturn: () => void;
  #position: number;
  #returned = false;
  #wake = (): void => {};

  constructor(entries: readonly string[], position: number, onReturn: () => void) {
    this.#entries = entries;
    this.#position = position;
    this.#onReturn = onReturn;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Continues a pending `next`. */
  wake(): void {
    this.#wake();
  }

  async next(): Promise<IteratorResult<[index: number, entry: string], undefined>> {
    while (!this.#returned && this.#position === this.#entries.length) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#returned) return { done: true, value: undefined };
    const index = this.#position++;
    return { done: false, value: [index, this.#entries[index]] };
  }

  return(): Promise<IteratorResult<[index: number, entry: string], undefined>> {
    this.#returned = true;
    this.#onReturn();
    this.#wake();
    return Promise.resolve({ done: true, value: undefined });
  }
}
