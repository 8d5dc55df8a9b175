import type { Position } from "../broker/position.ts";
import type { Tail } from "./nats-record.ts";

/**
 * The tail of a topic that this process knows. Both times are in milliseconds, by the monotonic clock of this
 * process.
 */
export interface KnownTail extends Tail {
  /** The id of the publication, if the message has one. */
  readonly id: string | undefined;
  /** The earliest time at which NATS can have stored the message. */
  readonly notBeforeMs: number;
  /** The latest time at which it was known to be the last message of the topic. */
  readonly confirmedAtMs: number;
}

/** The maximum number of tails in memory. */
const MAX_TAILS = 10_000;

/** The maximum number of positions of messages in memory, over all topics. */
const MAX_POSITIONS = 10_000;

/** The messages in NATS that this process knows: the last one of each topic, and the positions of others. */
export class KnownTails {
  /** The last message of each topic that this process knows. The most recently used topic is last. */
  readonly #tails = new Map<string, KnownTail>();
  /**
   * The tails from before the last reconnect that were not compared with the stream yet. NATS may have lost these
   * messages, and may have stored others in their place. The oldest and the latest one of each topic: after two
   * reconnects, each of them may show a loss.
   */
  readonly #unverified = new Map<string, readonly KnownTail[]>();
  /** The positions of the messages that were delivered or read last, by their sequence numbers. */
  readonly #positions = new Map<number, Position>();

  /** The last message of a topic. Undefined if NATS may have lost it, and if none is known. */
  current(subject: string): KnownTail | undefined {
    return this.#tails.get(subject);
  }

  /** All tails of a topic, the latest one last. */
  all(subject: string): readonly KnownTail[] {
    const tail = this.#tails.get(subject);
    return [...(this.#unverified.get(subject) ?? []), ...(tail === undefined ? [] : [tail])];
  }

  /** Whether a tail of the topic was not compared with the stream since the last `suspectAll`. */
  isSuspect(subject: string): boolean {
    return this.#unverified.has(subject);
  }

  /** Remembers the tail of a topic, unless a later one is known. */
  set(subject: string, tail: KnownTail): void {
    if ((this.#tails.get(subject)?.sequence ?? 0) > tail.sequence) return;
    this.#tails.delete(subject);
    this.#tails.set(subject, tail);
    if (this.#tails.size <= MAX_TAILS) return;
    const [oldest] = this.#tails.keys();
    this.#tails.delete(oldest);
  }

  /** Forgets the current tail of a topic. A tail that may be lost is still compared with the stream. */
  deleteCurrent(subject: string): void {
    this.#tails.delete(subject);
  }

  /** Forgets all tails of a topic. */
  delete(subject: string): void {
    this.#unverified.delete(subject);
    this.#tails.delete(subject);
  }

  /** Uses a tail again that is still in the stream. */
  accept(subject: string, tail: KnownTail): void {
    this.#unverified.delete(subject);
    if (!this.#tails.has(subject)) this.#tails.set(subject, tail);
  }

  /** No tail is used again before it was compared with the stream. Forgets all positions. */
  suspectAll(): void {
    for (const [subject, tail] of this.#tails) {
      const oldest = this.#unverified.get(subject)?.[0];
      this.#unverified.set(subject, oldest === undefined ? [tail] : [oldest, tail]);
    }
    for (const subject of this.#unverified.keys()) {
      if (this.#unverified.size <= MAX_TAILS) break;
      this.#unverified.delete(subject);
    }
    this.#tails.clear();
    this.#positions.clear();
  }

  /** Returns the last known message of a topic up to a position. */
  lastUpTo(subject: string, { epoch, offset }: Position): Tail | undefined {
    const isUpTo = ({ position: at }: Tail): boolean => at.epoch === epoch && at.offset <= offset;
    const tail = this.all(subject).findLast(isUpTo);
    if (tail !== undefined) return tail;
    let last: Tail | undefined;
    for (const [sequence, position] of this.#positions) {
      const isLater = last === undefined || sequence > last.sequence;
      if (isLater && isUpTo({ sequence, position })) last = { sequence, position };
    }
    return last;
  }

  positionAt(sequence: number): Position | undefined {
    return this.#positions.get(sequence);
  }

  setPosition(sequence: number, position: Position): void {
    this.#positions.delete(sequence);
    this.#positions.set(sequence, position);
    if (this.#positions.size <= MAX_POSITIONS) return;
    const [oldest] = this.#positions.keys();
    this.#positions.delete(oldest);
  }

  /** Forgets all positions, because NATS has used their sequence numbers again. */
  clearPositions(): void {
    this.#positions.clear();
  }
}
