/** One entry of a flow: a value, or the end. Entries are linked, and each reader has its own place. */
export interface FlowEntry<T> {
  readonly value?: T;
  readonly isEnd?: boolean;
  /** The error that ended the flow, if any. */
  readonly error?: unknown;
  /** How many bytes the flow has received, up to and with this entry. */
  readonly receivedBytes: number;
  next?: FlowEntry<T>;
}

/** One reader of a flow. */
export interface FlowReader<T> {
  /** Values to take before those of the flow. Undefined while they are being fetched. */
  earlier: T[] | undefined;
  /** Whether to leave out a value of the flow, because it was among the earlier ones. */
  isKnown?: (value: T) => boolean;
  /** Called when there may be something to take. */
  wake?: () => void;
  /** Takes the next entry, if there is one. The end can be taken again and again. */
  take(): FlowEntry<T> | undefined;
  /** Stops reading. */
  close(): void;
}

/**
 * Values that a server sends at the pace of their readers. Each reader takes each value once. The server gets
 * more credit when the slowest reader has taken half a window.
 */
export class CreditFlow<T> {
  readonly #windowBytes: number;
  readonly #sendCredit: (bytes: number) => void;
  readonly #onUnread: () => void;
  /** The readers, and the entry that each of them took last. */
  readonly #taken = new Map<FlowReader<T>, FlowEntry<T>>();
  #last: FlowEntry<T> = { receivedBytes: 0 };
  /** The server may send until it has sent this many bytes. Infinity before the first connection. */
  #grantedBytes = Infinity;

  /** @param onUnread called when the last reader has been closed */
  constructor(windowBytes: number, sendCredit: (bytes: number) => void, onUnread: () => void) {
    this.#windowBytes = windowBytes;
    this.#sendCredit = sendCredit;
    this.#onUnread = onUnread;
  }

  get hasReaders(): boolean {
    return this.#taken.size > 0;
  }

  /** Adds a reader of all later values. */
  read(): FlowReader<T> {
    const reader: FlowReader<T> = {
      earlier: [],
      take: () => this.#take(reader),
      close: () => {
        if (!this.#taken.delete(reader)) return;
        this.#renew();
        if (!this.hasReaders) this.#onUnread();
      },
    };
    this.#taken.set(reader, this.#last);
    return reader;
  }

  /** A connection begins. Returns the credit to start with. */
  open(): number {
    const { receivedBytes } = this.#last;
    this.#grantedBytes = Math.max(receivedBytes, this.#takenBytes + this.#windowBytes);
    return this.#grantedBytes - receivedBytes;
  }

  /** Adds a value that took `bytes` of the credit. */
  push(value: T, bytes: number): void {
    this.#append({ value, receivedBytes: this.#last.receivedBytes + bytes });
  }

  /** Adds the end. The readers get the values before it first. */
  end(error?: unknown): void {
    this.#append({ isEnd: true, error, receivedBytes: this.#last.receivedBytes });
  }

  #append(entry: FlowEntry<T>): void {
    this.#last = this.#last.next = entry;
    for (const reader of this.#taken.keys()) reader.wake?.();
  }

  #take(reader: FlowReader<T>): FlowEntry<T> | undefined {
    if (!reader.earlier) return;
    if (reader.earlier.length > 0) return { value: reader.earlier.shift()!, receivedBytes: 0 };
    let { next } = this.#taken.get(reader) ?? {};
    while (next?.value !== undefined && reader.isKnown?.(next.value)) {
      this.#taken.set(reader, next);
      next = next.next;
    }
    if (next && !next.isEnd) this.#taken.set(reader, next);
    // Also after values that were left out, because the server may wait for the credit.
    this.#renew();
    return next;
  }

  /** How many bytes the slowest reader has taken. */
  get #takenBytes(): number {
    const entries = [this.#last, ...this.#taken.values()];
    return Math.min(...entries.map(({ receivedBytes }) => receivedBytes));
  }

  #renew(): void {
    const bytes = this.#takenBytes + this.#windowBytes - this.#grantedBytes;
    if (bytes < this.#windowBytes / 2) return;
    this.#grantedBytes += bytes;
    this.#sendCredit(bytes);
  }
}
