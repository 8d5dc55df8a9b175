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

/**
 * The tail of a topic that this process knows. Both times are in milliseconds, by the monotonic clock of this
 * process.
 */
interface KnownTail extends Tail {
  /** The earliest time at which NATS can have stored the message. */
  readonly notBeforeMs: number;
  /** The latest time at which it was known to be the last message of the topic. */
  readonly confirmedAtMs: number;
}

/** A read of the clock of NATS. */
interface ClockRead {
  /** The time before the read, by the clock of this process. */
  readonly atMs: number;
  /** The time at NATS, in milliseconds since 1970. */
  readonly clockMs: number;
}

/** The options of a `NatsLog`. */
export interface NatsLogEnvironment {
  /** How long NATS keeps messages. */
  readonly maxAgeMs: number;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
}

/** A publication fails after other publishers have been faster this many times. */
const MAX_CONFLICTS = 1_000;

/** The maximum number of tails in memory. */
const MAX_TAILS = 10_000;

/**
 * The publications of all topics, in one JetStream stream with a subject for each topic. Every message starts
 * with its position. NATS stores a message only if the previous message is still the last message of its
 * subject, so offsets have no gaps, even if several servers publish. A topic starts with a mark, which is a
 * position without a publication.
 */
export class NatsLog {
  readonly #stream: NatsStream;
  readonly #maxAgeMs: number;
  readonly #nowMs: () => number;
  /** The last message of each topic that this process knows. The most recently used topic is last. */
  readonly #tails = new Map<string, KnownTail>();
  #clockRead: Promise<ClockRead> | undefined;

  constructor(stream: NatsStream, { maxAgeMs, nowMs }: NatsLogEnvironment) {
    this.#stream = stream;
    this.#maxAgeMs = maxAgeMs;
    this.#nowMs = nowMs;
  }

  /** Appends a publication. If the id was stored before, resolves with its first position. */
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
      `the publication was not stored, because other servers published to the topic first ${MAX_CONFLICTS} times in a row; try again later`,
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
      // Publications that remain from an earlier epoch get the current one.
      publications: page.map((one) => ({ ...one, position: { ...one.position, epoch } })),
    };
  }

  /** Reads the last message of a topic. Starts the topic with a mark if it has no message. */
  async readTail(subject: string): Promise<Tail> {
    const nowMs = this.#nowMs();
    const known = this.#tails.get(subject);
    const last = await this.#stream.lastMessage(subject);
    if (last === null) return this.#mark(subject, newEpoch(0), 0);
    const position = readRecordPosition(textOf(last));
    if (position === undefined) return this.#markUnreadable(subject, last.seq);
    if (isBefore(position, known?.position)) {
      // NATS has lost acknowledged messages. The topic starts a new epoch, because the offsets of the lost
      // messages must not be used again.
      return this.#mark(subject, newEpoch(position.offset), last.seq);
    }
    const notBeforeMs = await this.#notBefore(last, known, nowMs);
    // A topic without publications must not expire while it is in use, so it gets a new mark.
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
   * Returns the earliest time at which NATS can have stored the last message of a topic, by the clock of this
   * process. It never compares this clock with the clock of NATS. If this process knows the message already,
   * its own clock determines the age. Otherwise, the clock of NATS does.
   */
  async #notBefore(
    last: NatsStoredMessage,
    known: KnownTail | undefined,
    nowMs: number,
  ): Promise<number> {
    if (known?.sequence === last.seq) return known.notBeforeMs;
    const isConfirmed = known !== undefined && nowMs - known.confirmedAtMs <= this.#maxAgeMs / 2;
    if (isConfirmed) return known.confirmedAtMs;
    const { clockMs, atMs } = await this.#readClock();
    return Math.min(nowMs, atMs) - Math.max(0, clockMs - last.time.getTime());
  }

  /** Reads the clock of NATS, at most once at a time, because each read creates a consumer. */
  #readClock(): Promise<ClockRead> {
    this.#clockRead ??= this.#startClockRead().finally(() => (this.#clockRead = undefined));
    return this.#clockRead;
  }

  async #startClockRead(): Promise<ClockRead> {
    const atMs = this.#nowMs();
    return { atMs, clockMs: await this.#stream.readClockMs() };
  }

  /**
   * Continues a topic after a message without a position, which another program has stored. The message uses
   * up an offset, so that subscribers notice a missing publication.
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

  /** Stores a mark: a position without a publication. */
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

  /** Stores a message after `sequence`. Returns undefined if another message was stored first. */
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
    throw new BrokerError(
      "BROKER_REFUSED",
      "the publication with this id was stored before, but is no longer in the history",
    );
  }
}

/** Returns the publications since the topic's offsets last started again, without unreadable publications. */
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

/** Whether a position is before another position of the same epoch. */
function isBefore(position: Position, other: Position | undefined): boolean {
  return position.epoch === other?.epoch && position.offset < other.offset;
}

/** Returns the next position. If all offsets are used, it is in another epoch. */
function positionAfter({ epoch, offset }: Position): Position {
  return offset < Number.MAX_SAFE_INTEGER ? { epoch, offset: offset + 1 } : newEpoch(1);
}

function newEpoch(offset: number): Position {
  return { epoch: crypto.randomUUID(), offset };
}
