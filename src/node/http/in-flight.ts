import type { ServerResponse } from "node:http";

/** The responses that have not been sent to the end. */
export class InFlight implements Iterable<ServerResponse> {
  readonly #responses = new Set<ServerResponse>();
  #waiters: Array<() => void> = [];

  /** Counts `response` until it has been sent or its connection is closed. */
  add(response: ServerResponse): void {
    this.#responses.add(response);
    response.once("close", () => this.#remove(response));
  }

  [Symbol.iterator](): IterableIterator<ServerResponse> {
    return this.#responses.values();
  }

  whenIdle(): Promise<void> {
    if (this.#responses.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #remove(response: ServerResponse): void {
    this.#responses.delete(response);
    if (this.#responses.size > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
