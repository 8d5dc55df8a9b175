import type { RefusedPeer } from "../reports/refusal-reporter.ts";
import { deferred, type Deferred } from "./deferred.ts";
import type { Socket } from "./socket-interface.ts";

/** The open sockets of a server. */
export class SocketGroup implements Iterable<Socket> {
  /** Each socket with its peer, which a refusal report describes. */
  readonly #sockets = new Map<Socket, RefusedPeer>();
  /** Counts open sockets and running handlers. A handler can run longer than its socket is open. */
  readonly #pending = new PendingCounter();

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket, peer: RefusedPeer): void {
    this.#sockets.set(socket, peer);
    this.#pending.start();
  }

  delete(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#pending.end();
  }

  /** Returns undefined after the connection of `socket` has ended. */
  peerOf(socket: Socket): RefusedPeer | undefined {
    return this.#sockets.get(socket);
  }

  /** Counts a running handler. Call the returned function once when the handler ends. */
  startHandler(): () => void {
    this.#pending.start();
    return this.#pending.end;
  }

  /** Resolves once no socket is open and no handler runs. */
  whenIdle(): Promise<void> {
    return this.#pending.whenIdle();
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#sockets.keys();
  }
}

/** Counts pending work, so that a caller can wait for its end. */
class PendingCounter {
  #count = 0;
  #idle: Deferred<void> | undefined;

  start(): void {
    this.#count++;
  }

  /** An arrow function, so that it can be passed as a callback. */
  readonly end = (): void => {
    if (--this.#count > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };

  /** Resolves once nothing is pending. */
  whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }
}
