import { afterTask } from "./after-task.ts";

/** How a sequence of items has ended: with an error, or, without one, because there are no more items. */
export interface SequenceEnd {
  readonly error: Error | undefined;
}

/**
 * Reads items as fast as they come, and passes them on once a task, so that React renders once for many items.
 * Calls `onRead` with the new items, at most the latest `maxItems`, and with the end.
 */
export class ItemReader<Item> {
  readonly #controller = new AbortController();
  readonly #maxItems: () => number;
  readonly #onRead: (items: readonly Item[], end?: SequenceEnd) => void;
  #items: Item[] = [];
  #isFlushPlanned = false;

  constructor(
    open: (signal: AbortSignal) => AsyncIterable<Item>,
    maxItems: () => number,
    onRead: (items: readonly Item[], end?: SequenceEnd) => void,
  ) {
    this.#maxItems = maxItems;
    this.#onRead = onRead;
    void this.#read(open);
  }

  /** Passes on the items so far, and no later ones. */
  stop(): void {
    this.flush();
    this.#controller.abort();
  }

  /** Passes on the items so far at once. */
  flush(): void {
    if (this.#items.length > 0) this.#onRead(this.#items.splice(0));
  }

  async #read(open: (signal: AbortSignal) => AsyncIterable<Item>): Promise<void> {
    const { signal } = this.#controller;
    let error: Error | undefined;
    try {
      for await (const item of open(signal)) {
        if (signal.aborted) break;
        this.#add(item);
      }
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
    }
    if (!signal.aborted) this.#end({ error });
  }

  #add(item: Item): void {
    this.#items.push(item);
    // Twice as many, so that each item is moved once at most.
    if (this.#items.length >= 2 * this.#maxItems())
      this.#items = latest(this.#items, this.#maxItems());
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    afterTask(() => {
      this.#isFlushPlanned = false;
      if (!this.#controller.signal.aborted) this.flush();
    });
  }

  #end(end: SequenceEnd): void {
    this.#controller.abort();
    this.#onRead(this.#items.splice(0), end);
  }
}

/** The latest items, at most `count`. */
export function latest<Item>(items: readonly Item[], count: number): Item[] {
  return items.slice(Math.max(0, items.length - count));
}
