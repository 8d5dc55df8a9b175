import type { ServerResponse } from "node:http";

interface Entry {
  readonly response: ServerResponse;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/**
 * The unfinished responses, as a linked list. A `Set` makes new tables while entries are added and deleted.
 * Each old table refers to the next table, so old tables keep dead responses alive.
 */
export class InFlight implements Iterable<ServerResponse> {
  #first: Entry | undefined;
  #last: Entry | undefined;
  #waiters: Array<() => void> = [];
  readonly #onClosed: (response: ServerResponse) => void;

  /** @param onClosed called for each response when it has been sent, or when its connection is closed */
  constructor(onClosed: (response: ServerResponse) => void) {
    this.#onClosed = onClosed;
  }

  /** Counts `response` until it has been sent or its connection is closed. */
  add(response: ServerResponse): void {
    const entry: Entry = { response, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    response.once("close", () => {
      this.#remove(entry);
      this.#onClosed(response);
    });
  }

  /** The responses that were in flight when the iteration began. */
  [Symbol.iterator](): IterableIterator<ServerResponse> {
    const responses: ServerResponse[] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.next) {
      responses.push(entry.response);
    }
    return responses.values();
  }

  whenIdle(): Promise<void> {
    if (this.#first === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    entry.previous = entry.next = undefined;
    if (this.#first !== undefined) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
