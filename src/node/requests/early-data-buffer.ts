import type { Duplex } from "node:stream";
import type { ByteBudget } from "../../protocol/byte-budget.ts";
import { ByteAccumulator } from "./byte-accumulator.ts";

/** Listens to an `EarlyDataBuffer` until `release`. At most one method is called, once. */
export interface EarlyDataListener {
  /** Called when the client has closed the connection, or its side of the connection. */
  onGone(): void;
  /** Called when the budget has no room for the bytes that arrived. The listener must release the buffer. */
  onFull(): void;
}

/** Reading pauses after this many early bytes from one client. */
const MAX_EARLY_BYTES = 65_536;

/**
 * Keeps the bytes that a client sends before its handshake is answered. It must read the socket, because only
 * reading shows that the client has disconnected.
 */
export class EarlyDataBuffer {
  readonly #socket: Duplex;
  readonly #listener: EarlyDataListener;
  readonly #bytes: ByteAccumulator;
  readonly #budget: ByteBudget;
  /** The number of bytes taken from the budget. */
  #countedBytes = 0;

  /**
   * @param head the bytes that arrived together with the request
   * @param budget limits early bytes together with the unfinished messages of all connections
   */
  constructor(socket: Duplex, head: Uint8Array, budget: ByteBudget, listener: EarlyDataListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#budget = budget;
    this.#bytes = new ByteAccumulator(head);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  /** Stops reading: removes the listeners, pauses the socket, and returns all early bytes. */
  release(): Uint8Array {
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("close", this.#onEnd);
    this.#socket.pause();
    this.#budget.give(this.#countedBytes);
    this.#countedBytes = 0;
    return this.#bytes.take();
  }

  /** Counts the head, which may call `onFull`. Call it once, when the listener is ready. */
  start(): void {
    if (!this.#count(this.#bytes.length)) this.#listener.onFull();
  }

  #count(byteCount: number): boolean {
    if (!this.#budget.take(byteCount)) return false;
    this.#countedBytes += byteCount;
    return true;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (!this.#count(chunk.length)) {
      this.#listener.onFull();
      return;
    }
    this.#bytes.append(chunk);
    if (this.#bytes.length >= MAX_EARLY_BYTES) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.release();
    this.#listener.onGone();
  };
}
