import { deferred, type Deferred } from "./deferred.ts";
import type { Socket } from "./socket.ts";

/** The sockets that are open on a server. */
export class SocketGroup implements Iterable<Socket> {
  readonly #sockets = new Set<Socket>();
  #empty: Deferred<void> | undefined;

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
  }

  delete(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size > 0) return;
    this.#empty?.resolve();
    this.#empty = undefined;
  }

  /** Resolves once no socket is left. */
  whenEmpty(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve();
    this.#empty ??= deferred();
    return this.#empty.promise;
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#sockets.values();
  }
}
