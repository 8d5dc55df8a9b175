import type { Duplex } from "node:stream";
import type { ByteBudget } from "../../protocol/index.ts";
import { HeldBytes } from "./byte-accumulator.ts";

/** The events of a `HeldSocket` before `release`. At most one of them is called, once. */
export interface EarlyDataOwner {
  /** The peer has closed, or has closed its side. */
  onGone(): void;
  /** The budget has no room for the bytes that arrived. The owner must release the socket. */
  onFull(): void;
}

/** What a client may send before it is answered. */
const MAX_EARLY_BYTES = 65_536;

/**
 * A socket whose request is still being decided on. It goes on being read, since only reading shows
 * that a peer has gone; what comes early is kept for whoever takes the socket over.
 */
export class HeldSocket {
  readonly #socket: Duplex;
  readonly #owner: EarlyDataOwner;
  readonly #early: HeldBytes;
  readonly #budget: ByteBudget;
  /** How many bytes of the budget are taken. */
  #countedBytes = 0;

  /** @param budget bounds early bytes together with the unfinished messages of all peers */
  constructor(socket: Duplex, head: Uint8Array, budget: ByteBudget, owner: EarlyDataOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#budget = budget;
    this.#early = new HeldBytes(head);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  /** Lets go of the socket, paused, and returns all bytes that came early. */
  release(): Uint8Array {
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("close", this.#onEnd);
    this.#socket.pause();
    this.#budget.give(this.#countedBytes);
    this.#countedBytes = 0;
    return this.#early.take();
  }

  /** Counts the head, which may call `onFull`. Call it once, when the owner is ready. */
  start(): void {
    if (!this.#count(this.#early.length)) this.#owner.onFull();
  }

  #count(byteCount: number): boolean {
    if (!this.#budget.take(byteCount)) return false;
    this.#countedBytes += byteCount;
    return true;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (!this.#count(chunk.length)) {
      this.#owner.onFull();
      return;
    }
    this.#early.append(chunk);
    if (this.#early.length >= MAX_EARLY_BYTES) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.release();
    this.#owner.onGone();
  };
}
