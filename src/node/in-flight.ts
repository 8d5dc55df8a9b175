import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The HTTP requests that have not been answered to the end. */
export class InFlight implements Iterable<ServerResponse> {
  readonly #responses = new Set<ServerResponse>();
  readonly #bySocket = new WeakMap<Duplex, ServerResponse>();
  #waiters: Array<() => void> = [];

  /** Counts `response` until it has been sent or its connection is gone. */
  add(response: ServerResponse): void {
    const { socket } = response.req;
    this.#responses.add(response);
    this.#bySocket.set(socket, response);
    response.once("close", () => {
      this.#responses.delete(response);
      if (this.#bySocket.get(socket) === response) this.#bySocket.delete(socket);
      if (this.#responses.size === 0) this.#settle();
    });
  }

  /** The latest response that `socket` still owes. */
  on(socket: Duplex): ServerResponse | undefined {
    return this.#bySocket.get(socket);
  }

  [Symbol.iterator](): IterableIterator<ServerResponse> {
    return this.#responses.values();
  }

  whenIdle(): Promise<void> {
    if (this.#responses.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #settle(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
