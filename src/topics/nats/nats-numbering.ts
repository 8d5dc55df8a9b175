import type { Position } from "../broker/position.ts";
import { isMark, type NumberedRecord, positionAt, type Tail } from "./nats-record.ts";

/** A message that NATS has delivered. */
export interface LiveRecord extends NumberedRecord {
  /** The sequence number of the previous message of the topic; 0 for the first one. */
  readonly previous: number;
}

/** A delivered message with its position. */
export interface PlacedRecord extends LiveRecord {
  readonly position: Position;
}

/** The maximum number of messages that wait for the position of an earlier message. */
const MAX_WAITING = 4_096;

/**
 * Finds the positions of delivered messages. A following message is counted from the previous message. NATS may
 * deliver messages of two publishers in another order than it has stored them, so a message waits for the
 * previous one. At the start, messages wait until one of them shows a position.
 */
export class NatsNumbering {
  /** The last message with a known position. */
  #tail: Tail | undefined;
  /** The messages after the tail, by ascending sequence number. */
  #waiting: LiveRecord[] = [];
  /** The positions that the waiting messages show, by sequence number, while there is no tail. */
  readonly #shown = new Map<number, Position>();

  /** The sequence number of the first message without a position. */
  get firstWaiting(): number | undefined {
    return this.#waiting[0]?.sequence;
  }

  /** Whether the messages wait only for a missing one, which NATS may deliver later. */
  get hasTail(): boolean {
    return this.#tail !== undefined;
  }

  /**
   * Adds a delivered message. Returns the messages with positions that are now known, in order. Returns undefined if
   * messages may be lost: NATS uses sequence numbers again, or too many messages wait.
   */
  add(message: LiveRecord): readonly PlacedRecord[] | undefined {
    const { sequence } = message;
    const index = this.#waiting.findLastIndex((one) => one.sequence <= sequence);
    const isKnown = this.#waiting[index]?.sequence === sequence;
    const isRestart = isKnown || (this.#tail !== undefined && sequence <= this.#tail.sequence);
    const isLost = isRestart || this.#waiting.length >= MAX_WAITING;
    if (isLost) this.clear();
    this.#waiting.splice(isLost ? 0 : index + 1, 0, message);
    const placed = this.#tail === undefined ? this.#placeShown(message) : this.#placeAfterTail();
    return isLost ? undefined : placed;
  }

  /** Adds the position of a message that waits. Returns the messages with positions that are now known. */
  place(sequence: number, position: Position): readonly PlacedRecord[] {
    const index = this.#waiting.findIndex((message) => message.sequence === sequence);
    if (index === -1) return [];
    const before = this.#placeBefore(index, position);
    const placed = { ...this.#waiting[index], position };
    this.#waiting.splice(0, index + 1);
    this.#shown.clear();
    this.#tail = { sequence, position };
    return [...before, placed, ...this.#placeAfterTail()];
  }

  /** Forgets all messages. */
  clear(): void {
    this.#tail = undefined;
    this.#waiting = [];
    this.#shown.clear();
  }

  /** Places the first messages, if one of them shows a position and none is missing before it. */
  #placeShown({ sequence: added, record }: LiveRecord): readonly PlacedRecord[] {
    if (record.kind === "numbered") this.#shown.set(added, record.position);
    if (record.kind === "following" && record.anchor.sequence < added) {
      this.#shown.set(record.anchor.sequence, record.anchor.position);
    }
    for (const [index, message] of this.#waiting.entries()) {
      const { sequence, previous } = message;
      if (index > 0 && previous !== this.#waiting[index - 1].sequence) break;
      const position = this.#shown.get(sequence);
      if (position !== undefined) return this.place(sequence, position);
      const before = this.#shown.get(previous);
      if (before !== undefined) return this.place(sequence, positionAt(message, before));
    }
    return [];
  }

  /** Counts back from a waiting message, until a message is missing. */
  #placeBefore(index: number, { epoch, offset }: Position): readonly PlacedRecord[] {
    const placed: PlacedRecord[] = [];
    for (let at = index; at > 0; at--) {
      const [before, message] = this.#waiting.slice(at - 1, at + 1);
      if (!isMark(message.record)) offset--;
      if (message.previous !== before.sequence || offset < 1) break;
      placed.push({ ...before, position: { epoch, offset } });
    }
    return placed.reverse();
  }

  /** Takes the waiting messages that follow the tail without a gap. */
  #placeAfterTail(): readonly PlacedRecord[] {
    const placed: PlacedRecord[] = [];
    for (const message of this.#waiting) {
      if (this.#tail === undefined || message.previous !== this.#tail.sequence) break;
      const position = positionAt(message, this.#tail.position);
      this.#tail = { sequence: message.sequence, position };
      placed.push({ ...message, position });
    }
    this.#waiting.splice(0, placed.length);
    return placed;
  }
}
