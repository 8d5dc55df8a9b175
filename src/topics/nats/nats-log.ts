import { BrokerError } from "../../errors/index.ts";
import { formatPosition, type Position } from "../position.ts";
import { placePayload, readPlace } from "../payload.ts";
import type { NatsConnection, NatsJetStream, NatsManager } from "./nats-client.ts";
import { isConflict } from "./nats-errors.ts";
import { readStream, type StoredText, textOf } from "./nats-stream.ts";

/** The last message on the subject of a topic. */
export interface Tail {
  readonly position: Position;
  /** Its number in the stream, over all subjects. */
  readonly sequence: number;
}

/** How often somebody else may be quicker, one time after the other. */
const MAX_CONFLICTS = 1_000;

const MAX_TAILS = 10_000;

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
  /** As far as this node knows; the latest used last. */
  readonly #tails = new Map<string, Tail>();

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
    let tail = this.#tails.get(subject) ?? (await this.readTail(subject));
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const position = { epoch: tail.position.epoch, offset: tail.position.offset + 1 };
      const stored = await this.#store(subject, placePayload(position, payload), tail, msgID);
      if (stored?.duplicate === true) {
        return { position: await this.#positionAt(stored.seq), isDuplicate: true };
      }
      if (stored !== undefined) {
        this.learn(subject, { position, sequence: stored.seq });
        return { position, isDuplicate: false };
      }
      tail = await this.readTail(subject);
    }
    throw new BrokerError("BROKER_TIMEOUT", `${MAX_CONFLICTS} others published before this`);
  }

  /** Takes note of a message that others have stored. */
  learn(subject: string, tail: Tail): void {
    if ((this.#tails.get(subject)?.sequence ?? 0) > tail.sequence) return;
    this.#tails.delete(subject);
    this.#tails.set(subject, tail);
    if (this.#tails.size <= MAX_TAILS) return;
    const [oldest] = this.#tails.keys();
    this.#tails.delete(oldest);
  }

  /** Asks for the last message of a topic, and begins one that has none. */
  async readTail(subject: string): Promise<Tail> {
    const known = this.#tails.get(subject);
    const last = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: subject });
    if (last === null) return this.#mark(subject, { epoch: crypto.randomUUID(), offset: 0 }, 0);
    const position = readPlace(textOf(last));
    if (position === undefined) {
      throw new BrokerError("BROKER_ANSWER_INVALID", `what is last on ${subject} has no position`);
    }
    const hasGoneBack =
      known?.position.epoch === position.epoch && known.position.offset > position.offset;
    if (hasGoneBack) {
      // NATS has lost what it had acknowledged: its offsets must not mean something else now.
      return this.#mark(subject, { ...position, epoch: crypto.randomUUID() }, last.seq);
    }
    // A topic in use that is quiet must not come to its end by age.
    const isOld = Date.now() - last.time.getTime() > this.#maxAgeMs / 2;
    if (isOld) return this.#mark(subject, position, last.seq);
    const tail = { position, sequence: last.seq };
    this.#tails.delete(subject);
    this.learn(subject, tail);
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

  async #mark(subject: string, position: Position, lastSequence: number): Promise<Tail> {
    this.#tails.delete(subject);
    const text = `${formatPosition(position)} `;
    const stored = await this.#store(subject, text, { sequence: lastSequence }, undefined);
    if (stored === undefined) return this.readTail(subject);
    const tail = { position, sequence: stored.seq };
    this.learn(subject, tail);
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
