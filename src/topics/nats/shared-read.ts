interface Reads<T> {
  current: Promise<unknown>;
  /** The read that starts after the current one. */
  next?: Promise<T> | undefined;
}

/**
 * Reads, one after the other for each key. All calls during a read share the next one, which sees everything that
 * was stored before the call.
 */
export class SharedRead<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #reads = new Map<string, Reads<T>>();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  get(key: string): Promise<T> {
    const reads = this.#reads.get(key) ?? { current: Promise.resolve() };
    this.#reads.set(key, reads);
    reads.next ??= reads.current.then(() => {
      const reading = this.#read(key);
      reads.next = undefined;
      reads.current = reading.then(
        () => this.#end(key),
        () => this.#end(key),
      );
      return reading;
    });
    return reads.next;
  }

  #end(key: string): void {
    if (this.#reads.get(key)?.next === undefined) this.#reads.delete(key);
  }
}
