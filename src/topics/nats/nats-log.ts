import { BrokerError } from "../../errors/index.ts";
import { formatPosition, type Position } from "../position.ts";
import { placePayload, readPlace } from "../payload.ts";
import type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsStoredMessage,
} from "./nats-client.ts";
import { isConflict } from "./nats-errors.ts";
import { readStream, type StoredText, textOf } from "./nats-stream.ts";

/** The last message on the subject of a topic. */
export interface Tail {
  readonly position: Position;
  /** Its number in the stream, over all subjects. */
  readonly sequence: number;
}

/** A tail in memory. Both times are in milliseconds, by this process's monotonic clock. */
interface KnownTail extends Tail {
  /** NATS stored it at this time or later. */
  readonly notBeforeMs: number;
  /** When it was last known to be the tail. */
  readonly seenAtMs: number;
}

/** How many times in a row another publisher may be faster before a publication fails. */
const MAX_CONFLICTS = 1_000;

const MAX_TAILS = 10_000;

/** How long NATS keeps a consumer that was made only to read its clock. */
const CLOCK_CONSUMER_NANOS = 1_000_000_000;

/**
 * The publications of topics in one JetStream stream, a subject for each. Every message has its
 * position in front, and is stored only if the message that it follows is still the last one: so
 * offsets have no gaps, whoever publishes. A topic begins with a mark: a position and nothing else.
 */
export class NatsLog {
  readonly #connection: NatsConnection;
  readonly #jetStream: NatsJetStream;
  readonly #manager: NatsManager;
  readonly #stream: string;
  readonly #maxAgeMs: number;
  /** The last messages that this process knows, the most recently used last. */
  readonly #tails = new Map<string, KnownTail>();

  constructor(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    manager: NatsManager,
    stream: string,
    maxAgeMs: number,
  ) {
    this.#connection = connection;
    this.#jetStream = jetStream;
    this.#manager = manager;
    this.#stream = stream;
    this.#maxAgeMs = maxAgeMs;
  }

  /** Appends, unless the id was stored before: then the position is that of the first time. */
  async append(
    subject: string,
    payload: string,
    msgID: string,
  ): Promise<{ position: Position; isDuplicate: boolean }> {
    let tail: Tail = this.#tails.get(subject) ?? (await this.readTail(subject));
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const startMs = performance.now();
      const position = next(tail.position);
      const stored = await this.#store(subject, placePayload(position, payload), tail, msgID);
      if (stored?.duplicate === true) {
        return { position: await this.#positionAt(stored.seq), isDuplicate: true };
      }
      if (stored !== undefined) {
        this.#learn(subject, { position, sequence: stored.seq }, startMs);
        return { position, isDuplicate: false };
      }
      tail = await this.readTail(subject);
    }
    throw new BrokerError("BROKER_TIMEOUT", `${MAX_CONFLICTS} others published before this`);
  }

  /** Records a message that another process has just stored. */
  learn(subject: string, tail: Tail): void {
    this.#learn(subject, tail, performance.now());
  }

  /** Reads the last message of a topic, and begins the topic if there is none. */
  async readTail(subject: string): Promise<Tail> {
    const nowMs = performance.now();
    const known = this.#tails.get(subject);
    const last = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: subject });
    if (last === null) return this.#mark(subject, newEpoch(0), 0);
    const position = readPlace(textOf(last));
    if (position === undefined) return this.#markUnreadable(subject, last.seq);
    const hasGoneBack =
      known?.position.epoch === position.epoch && known.position.offset > position.offset;
    if (hasGoneBack) {
      // NATS has lost what it had acknowledged: its offsets must not mean something else now.
      return this.#mark(subject, newEpoch(position.offset), last.seq);
    }
    const notBeforeMs = await this.#notBefore(last, known, nowMs);
    // A topic in use that is quiet must not come to its end by age.
    const isOld = nowMs - notBeforeMs > this.#maxAgeMs / 2;
    if (isOld) return this.#mark(subject, position, last.seq);
    const tail = { position, sequence: last.seq };
    this.#tails.delete(subject);
    this.#learn(subject, tail, notBeforeMs, nowMs);
    return tail;
  }

  /** Reads what is kept of a topic, the oldest first, until `isEnough`. */
  read(
    subject: string,
    inbox: string,
    isEnough: (message: StoredText) => boolean,
  ): Promise<readonly StoredText[]> {
    const query = { filter_subject: subject, deliver_policy: "all" };
    const [connection, manager] = [this.#connection, this.#manager];
    return readStream(connection, manager, this.#stream, inbox, query, isEnough);
  }

  #learn(subject: string, tail: Tail, notBeforeMs: number, seenAtMs = notBeforeMs): void {
    if ((this.#tails.get(subject)?.sequence ?? 0) > tail.sequence) return;
    this.#tails.delete(subject);
    this.#tails.set(subject, { ...tail, notBeforeMs, seenAtMs });
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
    const canJudge = known !== undefined && nowMs - known.seenAtMs <= this.#maxAgeMs / 2;
    if (canJudge) return known.seenAtMs;
    const { created } = await this.#manager.consumers.add(this.#stream, {
      deliver_subject: `_INBOX.${crypto.randomUUID()}`,
      deliver_policy: "new",
      ack_policy: "none",
      mem_storage: true,
      inactive_threshold: CLOCK_CONSUMER_NANOS,
    });
    const ageMs = Date.parse(created) - last.time.getTime();
    return nowMs - Math.max(0, ageMs);
  }

  /**
   * Continues after a message without a position, which another program has stored. The message takes an
   * offset, so that subscribers notice that one is missing.
   */
  async #markUnreadable(subject: string, lastSequence: number): Promise<Tail> {
    const inbox = `_INBOX.${crypto.randomUUID()}`;
    const messages = await this.read(subject, inbox, ({ sequence }) => sequence >= lastSequence);
    const known = this.#tails.get(subject)?.position;
    let found: Position | undefined;
    for (const { text } of messages) found = readPlace(text) ?? found;
    const position = next(found ?? known ?? newEpoch(0));
    const hasGoneBack =
      found !== undefined && known?.epoch === found.epoch && known.offset > found.offset;
    return this.#mark(subject, hasGoneBack ? newEpoch(position.offset) : position, lastSequence);
  }

  async #mark(subject: string, position: Position, lastSequence: number): Promise<Tail> {
    const startMs = performance.now();
    this.#tails.delete(subject);
    const text = `${formatPosition(position)} `;
    const stored = await this.#store(subject, text, { sequence: lastSequence }, undefined);
    if (stored === undefined) return this.readTail(subject);
    const tail = { position, sequence: stored.seq };
    this.#learn(subject, tail, startMs);
    return tail;
  }

  /** Undefined if another message was stored meanwhile. */
  async #store(
    subject: string,
    text: string,
    { sequence }: Pick<Tail, "sequence">,
    msgID: string | undefined,
  ): Promise<{ readonly seq: number; readonly duplicate: boolean } | undefined> {
    try {
      return await this.#jetStream.publish(subject, text, {
        ...(msgID === undefined ? {} : { msgID }),
        expect: { lastSubjectSequence: sequence },
      });
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  async #positionAt(sequence: number): Promise<Position> {
    const message = await this.#manager.streams.getMessage(this.#stream, { seq: sequence });
    const position = message === null ? undefined : readPlace(textOf(message));
    if (position !== undefined) return position;
    throw new BrokerError("BROKER_REFUSED", "this id was stored, but is no longer in the history");
  }
}

/** The position after `position`, in another epoch once all offsets are used. */
function next({ epoch, offset }: Position): Position {
  return offset < Number.MAX_SAFE_INTEGER ? { epoch, offset: offset + 1 } : newEpoch(1);
}

function newEpoch(offset: number): Position {
  return { epoch: crypto.randomUUID(), offset };
}
