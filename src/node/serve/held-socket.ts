import type { Duplex } from "node:stream";
import { HeldBytes } from "./held-bytes.ts";

/** What a client may send before it is answered. */
const MAX_EARLY_BYTES = 65_536;

/**
 * A socket whose request is still being decided on. It goes on being read, since only reading shows
 * that a peer has gone; what comes early is kept for whoever takes the socket over.
 */
export class HeldSocket {
  readonly #socket: Duplex;
  readonly #onGone: () => void;
  readonly #early: HeldBytes;

  /** `onGone` is called once if the peer closes, or closes its side, before `release`. */
  constructor(socket: Duplex, head: Uint8Array, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
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
    return this.#early.take();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#early.append(chunk);
    if (this.#early.length >= MAX_EARLY_BYTES) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.release();
    this.#onGone();
  };
}
