import { BrokerError } from "../../errors/index.ts";
import type { BrokerPage, HistoryQuery, BrokerPublishResult } from "../broker/broker.ts";
import type { Position } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";
import { delay } from "../broker/timers.ts";
import type { NatsPublishAck, NatsStoredMessage } from "./nats-client.ts";
import { isConflict } from "./nats-errors.ts";
import { NatsHistoryReader } from "./nats-history-reader.ts";
import { type KnownTail, KnownTails } from "./nats-known-tails.ts";
import { NatsMessageAge } from "./nats-message-age.ts";
import {
  encodeFollowing,
  encodeNumbered,
  idOf,
  isBefore,
  isMark,
  lastPositionOf,
  type NatsRecord,
  newEpoch,
  type NumberedRecord,
  positionAfter,
  positionsOf,
  publicationsOf,
  readRecord,
  type Tail,
} from "./nats-record.ts";
import { type NatsStream, type StoredText, textOf } from "./nats-stream.ts";
import { SharedRead } from "./shared-read.ts";

/** A publication to store. */
export interface NatsDraft {
  readonly id: string;
  readonly payload: string;
  /** The id by which NATS recognizes duplicates. */
  readonly msgID: string;
}

/** The options of a `NatsLog`. */
export interface NatsLogEnvironment {
  /** How long NATS keeps messages. */
  readonly maxAgeMs: number;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
}

/** A read finds no tail if other servers store messages first this many times in a row. */
const MAX_MARK_ATTEMPTS = 100;

/**
 * The publications of all topics, in one JetStream stream with a subject for each topic. A topic starts with a
 * mark, which is a position without a publication. After that, there are two kinds of messages:
 *
 * - A numbered message starts with its position. NATS stores it only if the previous message is still the last
 *   message of its subject, so only one can be in flight.
 * - A following message has the position after the previous message, whichever that is. Any number can be in
 *   flight. Readers count them from the message that the writer names, or from a message that they know.
 */
export class NatsLog {
  readonly #stream: NatsStream;
  readonly #maxAgeMs: number;
  readonly #nowMs: () => number;
  readonly #reader: NatsHistoryReader;
  readonly #age: NatsMessageAge;
  readonly #known = new KnownTails();
  readonly #positionReads = new SharedRead((subject) => this.#readPositions(subject));
  readonly #tailReads = new SharedRead((subject) => this.readTail(subject));

  constructor(stream: NatsStream, { maxAgeMs, nowMs }: NatsLogEnvironment) {
    this.#stream = stream;
    this.#maxAgeMs = maxAgeMs;
    this.#nowMs = nowMs;
    this.#reader = new NatsHistoryReader(stream);
    this.#age = new NatsMessageAge(stream, maxAgeMs, nowMs);
  }

  get isReplicated(): boolean {
    return this.#stream.isReplicated;
  }

  /**
   * Stores a publication as a numbered message. If the id was stored before, resolves with its first position.
   * Resolves with undefined if another message was stored first, and the publication was not stored.
   */
  async appendNumbered(
    subject: string,
    { id, payload, msgID }: NatsDraft,
  ): Promise<BrokerPublishResult | undefined> {
    const tail = await this.tail(subject);
    const startMs = this.#nowMs();
    const position = positionAfter(tail.position);
    const stored = await this.#store(subject, encodeNumbered(position, payload), tail, msgID);
    if (stored === undefined) return undefined;
    if (stored.duplicate) {
      return { position: await this.positionOfDuplicate(subject, stored.seq), isDuplicate: true };
    }
    this.#keep(subject, { position, sequence: stored.seq, id }, startMs);
    return { position, isDuplicate: false };
  }

  /** Stores a publication as a following message. Its position depends on the messages before it. */
  appendFollowing(
    subject: string,
    { payload, msgID }: NatsDraft,
    { anchor, tag }: { readonly anchor: Tail; readonly tag: string },
  ): Promise<NatsPublishAck> {
    return this.#stream.publish(subject, encodeFollowing(anchor, tag, payload), { msgID });
  }

  /** Returns the last message of a topic that this process knows, or reads it. */
  async tail(subject: string): Promise<Tail> {
    return this.#known.current(subject) ?? this.readTail(subject);
  }

  /**
   * Records a message that NATS has just delivered.
   *
   * @param id the id of the publication, if the message has one
   */
  learn(subject: string, tail: Tail, id: string | undefined): void {
    this.#known.setPosition(tail.sequence, tail.position);
    this.#keep(subject, { ...tail, id }, this.#nowMs());
  }

  /**
   * Compares the tails that this process knows with the stream before it uses them again. Call it if NATS may have
   * lost messages: after a reconnect, and if a sequence number is used again.
   */
  suspectLoss(): void {
    this.#known.suspectAll();
  }

  /** Reads a page of the history of a topic. */
  async readPage(subject: string, { since, limit }: HistoryQuery): Promise<BrokerPage> {
    // First, because the tail that this process knows is replaced when the tail is read.
    const start = since && this.#known.lastUpTo(subject, since);
    const tail = await this.readTail(subject);
    const { position, sequence } = tail;
    const after = since?.offset ?? 0;
    if (limit === 0 || after >= position.offset) return { position, publications: [] };
    if (start?.position.epoch === position.epoch) {
      const page = await this.#readFrom(subject, start, tail, { after, limit });
      if (page !== undefined) return { position, publications: page };
    }
    const publications = publicationsOf(
      await this.#reader.readUntil(subject, sequence),
      position,
      after,
    );
    return {
      position,
      publications: since === undefined ? publications.slice(-limit) : publications.slice(0, limit),
    };
  }

  /**
   * Reads up to `limit` publications after an offset. Starts at a known message before them.
   *
   * @returns undefined if the known message is no longer stored, or if it has found too few publications
   */
  async #readFrom(
    subject: string,
    start: Tail,
    tail: Tail,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly Publication[] | undefined> {
    let { offset } = start.position;
    const isLast = ({ sequence, text }: StoredText): boolean => {
      if (sequence > start.sequence && !isMark(readRecord(text))) offset++;
      return sequence >= tail.sequence || offset >= after + limit;
    };
    const messages = await this.#reader.readUntil(subject, tail.sequence, start.sequence, isLast);
    const position = lastPositionOf(messages, start);
    if (messages[0]?.sequence !== start.sequence || position === undefined) return undefined;
    const { sequence } = messages.at(-1)!;
    this.#known.setPosition(sequence, position);
    const publications = publicationsOf(messages, position, after);
    // Some messages may be unreadable.
    const isComplete = publications.length >= limit || sequence >= tail.sequence;
    return isComplete ? publications.slice(0, limit) : undefined;
  }

  /**
   * Reads the position of the message with a sequence number.
   *
   * @throws BrokerError `BROKER_REFUSED` if the message is no longer stored
   */
  async positionOf(subject: string, sequence: number): Promise<Position> {
    const known = this.#known.positionAt(sequence);
    if (known !== undefined) return known;
    const record = await this.#reader.recordAt(sequence);
    const position = record && (await this.#positionOfRecord(subject, { sequence, record }));
    if (position !== undefined) return position;
    const positions = record && (await this.#positionReads.get(subject));
    const counted = positions?.get(sequence);
    if (counted !== undefined) return counted;
    throw new BrokerError(
      "BROKER_REFUSED",
      "the publication with this id was stored before, but is no longer in the history",
    );
  }

  /**
   * Reads the position of a message with an id that NATS has acknowledged again. The first acknowledgement may not
   * have arrived, so this process may not know the message. Reads the last message too, so that its loss is noticed.
   *
   * @throws BrokerError `BROKER_REFUSED` if the message is no longer stored
   */
  async positionOfDuplicate(subject: string, sequence: number): Promise<Position> {
    await this.#tailReads.get(subject);
    return this.positionOf(subject, sequence);
  }

  /** Reads the last message of a topic. Starts the topic with a mark if it has no message. */
  async readTail(subject: string): Promise<Tail> {
    for (let attempt = 0; attempt < MAX_MARK_ATTEMPTS; attempt++) {
      // A cluster may still store the message of the other server.
      if (attempt > 0) await delay(globalThis, attempt);
      const tail = await this.#tryReadTail(subject);
      if (tail !== undefined) return tail;
    }
    throw new BrokerError(
      "BROKER_TIMEOUT",
      `the position of the topic was not found, because other servers stored messages first ${MAX_MARK_ATTEMPTS} times in a row; try again later`,
    );
  }

  /** @returns undefined if a mark was necessary, and another server stored a message first */
  async #tryReadTail(subject: string): Promise<Tail | undefined> {
    const nowMs = this.#nowMs();
    const knownTails = this.#known.all(subject);
    const known = knownTails.at(-1);
    const last = await this.#stream.lastMessage(subject);
    const lost: KnownTail[] = [];
    for (const one of knownTails) if (await this.#isLost(subject, one, last)) lost.push(one);
    const isLost = lost.length > 0;
    // NATS has used sequence numbers again.
    if (isLost) this.#known.clearPositions();
    else if (known !== undefined) this.#known.accept(subject, known);
    if (last === null) return this.#mark(subject, newEpoch(0), 0);
    const record = readRecord(textOf(last));
    if (record.kind === "unreadable") return this.#markUnreadable(subject, last.seq, isLost);
    const position =
      this.#positionOfDelivered(subject, last.seq, record) ??
      (await this.#positionOfRecord(subject, { sequence: last.seq, record }));
    if (position === undefined) return this.#markUncounted(subject, last.seq);
    const isLostEpoch = lost.some((one) => one.position.epoch === position.epoch);
    if (isLostEpoch || isBefore(position, known?.position)) {
      // NATS has lost acknowledged messages. The topic starts a new epoch, because the offsets of the lost
      // messages must not be used again. Sequence numbers are.
      this.#known.clearPositions();
      return this.#mark(subject, newEpoch(position.offset), last.seq);
    }
    const notBeforeMs = await this.#age.notBeforeMs(last, known, nowMs);
    // A topic without publications must not expire while it is in use, so it gets a new mark.
    const isOld = nowMs - notBeforeMs > this.#maxAgeMs / 2;
    if (isOld) return this.#mark(subject, position, last.seq);
    const id = known?.sequence === last.seq && !isLost ? known.id : idOf(record);
    const tail = { position, sequence: last.seq };
    this.#known.delete(subject);
    this.#keep(subject, { ...tail, id }, notBeforeMs, nowMs);
    return tail;
  }

  /** Whether NATS has lost a message that this process knew. */
  async #isLost(
    subject: string,
    { sequence, id }: KnownTail,
    last: NatsStoredMessage | null,
  ): Promise<boolean> {
    if (last === null || last.seq < sequence) return true;
    if (!this.#known.isSuspect(subject)) return false;
    const stored = last.seq === sequence ? last : await this.#stream.messageAt(sequence);
    // Retention removes messages too, so a missing message shows nothing.
    return stored !== null && idOf(readRecord(textOf(stored))) !== id;
  }

  /** Returns the position of the last message of a topic if it has been delivered before it was read. */
  #positionOfDelivered(
    subject: string,
    sequence: number,
    record: NatsRecord,
  ): Position | undefined {
    if (record.kind === "numbered") return record.position;
    const known = this.#known.current(subject);
    return known?.sequence === sequence ? known.position : this.#known.positionAt(sequence);
  }

  /** @returns undefined if the messages that are left do not show the position */
  async #positionOfRecord(
    subject: string,
    { sequence, record }: NumberedRecord,
  ): Promise<Position | undefined> {
    if (record.kind === "numbered") return record.position;
    if (record.kind === "unreadable") return undefined;
    const { anchor } = record;
    const known = this.#known.current(subject);
    const isNearer =
      known !== undefined && known.sequence > anchor.sequence && known.sequence < sequence;
    const start = isNearer ? known : anchor;
    // If NATS has lost the message of the anchor, its sequence number says nothing.
    const first = start.sequence < sequence ? start.sequence : undefined;
    const position = lastPositionOf(await this.#reader.readUntil(subject, sequence, first), start);
    if (position !== undefined) this.#known.setPosition(sequence, position);
    return position;
  }

  async #readPositions(subject: string): Promise<ReadonlyMap<number, Position>> {
    const { position, sequence } = await this.readTail(subject);
    return positionsOf(await this.#reader.readUntil(subject, sequence), position);
  }

  #keep(
    subject: string,
    tail: Tail & Pick<KnownTail, "id">,
    notBeforeMs: number,
    confirmedAtMs = notBeforeMs,
  ): void {
    this.#known.set(subject, { ...tail, notBeforeMs, confirmedAtMs });
  }

  /**
   * Continues a topic after a message without a position, which another program has stored. The message uses
   * up an offset, so that subscribers notice a missing publication.
   */
  async #markUnreadable(
    subject: string,
    lastSequence: number,
    isLost: boolean,
  ): Promise<Tail | undefined> {
    const messages = await this.#reader.readUntil(subject, lastSequence);
    const known = this.#known.current(subject);
    const found = lastPositionOf(messages, known);
    const position = found ?? positionAfter(known?.position ?? newEpoch(0));
    const readable = messages.findLastIndex(({ record }) => record.kind !== "unreadable") + 1;
    const before = lastPositionOf(messages.slice(0, readable), known);
    const isBroken = isLost || (before !== undefined && isBefore(before, known?.position));
    return this.#mark(subject, isBroken ? newEpoch(position.offset) : position, lastSequence);
  }

  /** Begins a new epoch, because NATS has dropped the messages from which to count. */
  async #markUncounted(subject: string, lastSequence: number): Promise<Tail | undefined> {
    const messages = await this.#reader.readUntil(subject, lastSequence);
    const count = messages.filter(({ record }) => !isMark(record)).length;
    return this.#mark(subject, newEpoch(count), lastSequence);
  }

  /**
   * Stores a mark: a position without a publication.
   *
   * @returns undefined if another message was stored first
   */
  async #mark(
    subject: string,
    position: Position,
    lastSequence: number,
  ): Promise<Tail | undefined> {
    const startMs = this.#nowMs();
    this.#known.deleteCurrent(subject);
    const text = encodeNumbered(position, "");
    const stored = await this.#store(subject, text, { sequence: lastSequence }, undefined);
    if (stored === undefined) return undefined;
    const tail = { position, sequence: stored.seq };
    this.#known.delete(subject);
    this.#keep(subject, { ...tail, id: undefined }, startMs);
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
}
