import type { Position } from "../broker/position.ts";
import type { Tail } from "./nats-record.ts";

/** How long to wait for the delivery of a stored message, before its position is read from the stream. */
const DELIVERY_TIMEOUT_MS = 1_000;

/** Waits for the deliveries of messages that were just stored, which show their positions. */
export class NatsPlacements {
  readonly #read: (sequence: number) => Promise<Position>;
  #lastSequence = 0;
  /**
   * Called when the message with a sequence number is delivered, or with undefined to stop waiting. The sequence
   * numbers ascend.
   */
  readonly #waiting = new Map<number, (position: Position | undefined) => void>();

  /** @param read returns the position of a message that was delivered, or reads it from the stream */
  constructor(read: (sequence: number) => Promise<Position>) {
    this.#read = read;
  }

  add({ sequence, position }: Tail): void {
    this.#lastSequence = sequence;
    // Deliveries are in order, so earlier messages that still wait were not delivered.
    for (const [waiting, settle] of this.#waiting) {
      if (waiting > sequence) break;
      settle(waiting === sequence ? position : undefined);
    }
  }

  /** Returns the position of a message that was just stored. Waits for its delivery. */
  async waitFor(sequence: number): Promise<Position> {
    const delivered = sequence <= this.#lastSequence ? undefined : await this.#delivery(sequence);
    return delivered ?? this.#read(sequence);
  }

  /** Stops waiting, and reads the positions. */
  close(): void {
    for (const stop of this.#waiting.values()) stop(undefined);
  }

  #delivery(sequence: number): Promise<Position | undefined> {
    return new Promise((resolve) => {
      const settle = (position: Position | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(sequence);
        resolve(position);
      };
      const timer = setTimeout(settle, DELIVERY_TIMEOUT_MS, undefined);
      this.#waiting.set(sequence, settle);
    });
  }
}
