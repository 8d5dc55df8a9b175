import type { RefusedPeer } from "./refusals.ts";
import type { Socket } from "./socket.ts";
import { Tally } from "./tally.ts";

/** The sockets that are open on a server. */
export class SocketGroup implements Iterable<Socket> {
  /** Each socket with its peer, for the report if the server closes it. */
  readonly #sockets = new Map<Socket, RefusedPeer>();
  /** The sockets again, and the handlers that have not returned, which may outlast their sockets. */
  readonly #underWay = new Tally();

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket, peer: RefusedPeer): void {
    this.#sockets.set(socket, peer);
    this.#underWay.start();
  }

  delete(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#underWay.end();
  }

  /** Undefined once the connection of `socket` is over. */
  peerOf(socket: Socket): RefusedPeer | undefined {
    return this.#sockets.get(socket);
  }

  /** A handler has begun; returns what to call when it has ended. */
  startHandler(): () => void {
    this.#underWay.start();
    return this.#underWay.end;
  }

  /** Resolves once no socket is left, and no handler at work. */
  whenIdle(): Promise<void> {
    return this.#underWay.whenIdle();
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#sockets.keys();
  }
}
