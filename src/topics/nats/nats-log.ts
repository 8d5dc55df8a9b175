import { BrokerError } from "../../errors/index.ts";
import type { BrokerPage, HistoryQuery, PublishReceipt } from "../broker.ts";
import { decodeRecord, encodeRecord, readRecordPosition } from "../payload.ts";
import { type Position } from "../position.ts";
import type { Publication } from "../publication.ts";
import type { NatsPublishAck, NatsStoredMessage } from "./nats-client.ts";
import { isConflict } from "./nats-errors.ts";
import { type NatsStream, type StoredText, textOf } from "./nats-stream.ts";

/** The last message on the subject of a topic. */
export interface Tail {
  readonly position: Position;
  /** The sequence number of the message in the stream, over all subjects. */
  readonly sequence: number;
}

/** A tail in memory. Both times are in milliseconds, by this process's monotonic clock. */
interface KnownTail extends Tail {
  /** NATS stored it at this time or later. */
  readonly notBeforeMs: number;
  /** When it was last known to be the tail. */
  readonly confirmedAtMs: number;
}

/** What a `NatsLog` needs besides its stream. */
export interface NatsLogEnvironment {
  /** How long NATS keeps messages. */
  readonly maxAgeMs: number;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
}

/** How many times in a row another publisher may be faster before a publication fails. */
const MAX_CONFLICTS = 1_000;

/** The most tails in memory. */
const MAX_TAILS = 10_000;

/**
 * The publications of topics in one JetStream stream, with a subject for each topic. Every message begins
 * with its position. NATS stores it only if the message before it is still the last one, so offsets have no
 * gaps, whichever server publishes. A topic begins with a mark: a position without a publication.
 */
export class NatsLog {
  readonly #stream: NatsStream;
  readonly #maxAgeMs: number;
  readonly #nowMs: () => number;
  /** The last messages that this process knows, the most recently used last. */
  readonly #tails = new Map<string, KnownTail>();

  constructor(stream: NatsStream, { maxAgeMs, nowMs }: NatsLogEnvironment) {
    this.#stream = stream;
    this.#maxAgeMs = maxAgeMs;
    this.#nowMs = nowMs;
  }

  /** Appends. If the id was stored before, resolves with its first position. */
  async append(subject: string, payload: string, msgID: string): Promise<PublishReceipt> {
    let tail: Tail = this.#tails.get(subject) ?? (await this.readTail(subject));
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const startMs = this.#nowMs();
      const position = positionAfter(tail.position);
      const stored = await this.#store(subject, encodeRecord(position, payload), tail, msgID);
      if (stored?.duplicate === true) {
        return { position: await this.#positionAt(stored.seq), isDuplicate: true };
      }
      if (stored !== undefined) {
        this.#keep(subject, { position, sequence: stored.seq }, startMs);
        return { position, isDuplicate: false };
      }
      tail = await this.readTail(subject);
    }
    throw new BrokerError(
      "BROKER_TIMEOUT",
      `other servers published ${MAX_CONFLICTS} times before this publication could be stored`,
    );
  }

  /** Records a message that NATS has just delivered. */
  learn(subject: string, tail: Tail): void {
    this.#keep(subject, tail, this.#nowMs());
  }

  /** Reads a page of the history of a topic. */
  async readPage(subject: string, { since, limit }: HistoryQuery): Promise<BrokerPage> {
    const { position, sequence } = await this.readTail(subject);
    const { epoch, offset } = position;
    const after = since?.offset ?? 0;
    if (limit === 0 || after >= offset) return { position, publications: [] };
    const messages = await this.#readUntil(subject, sequence);
    const publications = lastRun(messages).filter(
      ({ position: { offset: at } }) => at <= offset && at > after,
    );
    const page = since === undefined ? publications.slice(-limit) : publications.slice(0, limit);
    return {
      position,
      // The publications that remain of an earlier epoch continue in the current one.
      publications: page.map((one) => ({ ...one, position: { ...one.position, epoch } })),
    };
  }

  /** Reads the last message of a topic, and starts the topic if there is none. */
  async readTail(subject: string): Promise<Tail> {
    const nowMs = this.#nowMs();
    const known = this.#tails.get(subject);
    const last = await this.#stream.lastMessage(subject);
    if (last === null) return this.#mark(subject, newEpoch(0), 0);
    const position = readRecordPosition(textOf(last));
    if (position === undefined) return this.#markUnreadable(subject, last.seq);
    if (isBefore(position, known?.position)) {
      // NATS has lost what it had acknowledged, and the lost offsets must not be used again.
      return this.#mark(subject, newEpoch(position.offset), last.seq);
    }
    const notBeforeMs = await this.#notBefore(last, known, nowMs);
    // A new mark keeps a topic that is in use, but quiet, from expiring.
    const isOld = nowMs - notBeforeMs > this.#maxAgeMs / 2;
    if (isOld) return this.#mark(subject, position, last.seq);
    const tail = { position, sequence: last.seq };
    this.#tails.delete(subject);
    this.#keep(subject, tail, notBeforeMs, nowMs);
    return tail;
  }

  #keep(subject: string, tail: Tail, notBeforeMs: number, confirmedAtMs = notBeforeMs): void {
    if ((this.#tails.get(subject)?.sequence ?? 0) > tail.sequence) return;
    this.#tails.delete(subject);
    this.#tails.set(subject, { ...tail, notBeforeMs, confirmedAtMs });
    if (this.#tails.size <= MAX_TAILS) return;
    const [oldest] = this.#tails.keys();
    this.#tails.delete(oldest);
  }

  /**
   * The earliest time, by this process's clock, at which NATS can have stored the last message of a
   * topic. The clocks of this machine and of NATS are never compared. If this process saw the message, its
   * own clock gives the age; otherwise the clock of NATS does.
   */
  async #notBefore(
    last: NatsStoredMessage,
    known: KnownTail | undefined,
    nowMs: number,
  ): Promise<number> {
    if (known?.sequence === last.seq) return known.notBeforeMs;
    const isConfirmed = known !== undefined && nowMs - known.confirmedAtMs <= this.#maxAgeMs / 2;
    if (isConfirmed) return known.confirmedAtMs;
    return nowMs - (await this.#stream.ageMs(last));
  }

  /**
   * Continues after a message without a position, which another program has stored. The message takes an
   * offset, so that subscribers notice that one is missing.
   */
  async #markUnreadable(subject: string, lastSequence: number): Promise<Tail> {
    const messages = await this.#readUntil(subject, lastSequence);
    const known = this.#tails.get(subject)?.position;
    let found: Position | undefined;
    for (const { text } of messages) found = readRecordPosition(text) ?? found;
    const position = positionAfter(found ?? known ?? newEpoch(0));
    const isLost = found !== undefined && isBefore(found, known);
    return this.#mark(subject, isLost ? newEpoch(position.offset) : position, lastSequence);
  }

  /** Stores a position without a publication. */
  async #mark(subject: string, position: Position, lastSequence: number): Promise<Tail> {
    const startMs = this.#nowMs();
    this.#tails.delete(subject);
    const text = encodeRecord(position, "");
    const stored = await this.#store(subject, text, { sequence: lastSequence }, undefined);
    if (stored === undefined) return this.readTail(subject);
    const tail = { position, sequence: stored.seq };
    this.#keep(subject, tail, startMs);
    return tail;
  }

  /** Stores a message after `sequence`; undefined if another message was stored meanwhile. */
  async #store(
    subject: string,
    text: string,
    { sequence }: Pick<Tail, "sequence">,
    msgID: string | undefined,
  ): Promise<NatsPublishAck | undefined> {
    try {
      return await this.#stream.publish(subject, text, {
        ...(msgID === undefined ? {} : { msgID }),
        expect: { lastSubjectSequence: sequence },
      });
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  #readUntil(subject: string, lastSequence: number): Promise<readonly StoredText[]> {
    return this.#stream.read(
      { filter_subject: subject, deliver_policy: "all" },
      ({ sequence }) => sequence >= lastSequence,
    );
  }

  async #positionAt(sequence: number): Promise<Position> {
    const message = await this.#stream.messageAt(sequence);
    const position = message === null ? undefined : readRecordPosition(textOf(message));
    if (position !== undefined) return position;
    throw new BrokerError("BROKER_REFUSED", "this id was stored, but is no longer in the history");
  }
}

/** The publications since the topic last started again. Unreadable ones are left out. */
function lastRun(messages: readonly StoredText[]): readonly Publication[] {
  let run: Publication[] = [];
  let lastOffset = 0;
  for (const { text } of messages) {
    const position = readRecordPosition(text);
    if (position === undefined) continue;
    const publication = decodeRecord(text);
    // A mark repeats the offset of the message before it.
    const isMark = text.endsWith(" ");
    if (position.offset !== (isMark ? lastOffset : lastOffset + 1)) run = [];
    if (publication !== undefined) run.push(publication);
    lastOffset = position.offset;
  }
  return run;
}

/** Whether a position is before another one of the same epoch. */
function isBefore(position: Position, other: Position | undefined): boolean {
  return position.epoch === other?.epoch && position.offset < other.offset;
}

/** The next position, in another epoch if all offsets are used. */
function positionAfter({ epoch, offset }: Position): Position {
  return offset < Number.MAX_SAFE_INTEGER ? { epoch, offset: offset + 1 } : newEpoch(1);
}

function newEpoch(offset: number): Position {
  return { epoch: crypto.randomUUID(), offset };
}
