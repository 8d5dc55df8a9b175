import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The HTTP requests that have not been answered to the end. */
export class InFlight implements Iterable<ServerResponse> {
  readonly #bySocket = new Map<Duplex, ServerResponse[]>();
  readonly #watched = new WeakSet<Duplex>();
  #waiters: Array<() => void> = [];

  /** Counts `response` until it has been sent or its connection is gone. */
  add(response: ServerResponse): void {
    const { socket } = response.req;
    const owed = this.#bySocket.get(socket);
    if (owed !== undefined) owed.push(response);
    else this.#bySocket.set(socket, [response]);
    this.#watch(socket);
    response.once("close", () => this.#remove(socket, response));
  }

  /** The latest response that `socket` still owes. */
  on(socket: Duplex): ServerResponse | undefined {
    return this.#bySocket.get(socket)?.at(-1);
  }

  *[Symbol.iterator](): IterableIterator<ServerResponse> {
    for (const owed of this.#bySocket.values()) yield* owed;
  }

  whenIdle(): Promise<void> {
    if (this.#bySocket.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** A response that waits behind another is not told when its connection is gone. */
  #watch(socket: Duplex): void {
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.once("close", () => this.#drop(socket));
  }

  #remove(socket: Duplex, response: ServerResponse): void {
    const owed = this.#bySocket.get(socket)?.filter((other) => other !== response) ?? [];
    if (owed.length > 0) this.#bySocket.set(socket, owed);
    else this.#drop(socket);
  }

  #drop(socket: Duplex): void {
    this.#bySocket.delete(socket);
    if (this.#bySocket.size > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
