import { formatPosition } from "../../topics/index.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import {
  brokerFailure,
  FORBIDDEN,
  INTERNAL,
  invalidData,
  mayBeStored,
  TOO_DEEP,
  tooMany,
  UNAVAILABLE,
} from "./failures.ts";
import { causeOf, encodeData, encodeMessage } from "./message.ts";
import { runRule } from "./rules.ts";
import type { TopicEntry } from "./topic-table.ts";
import { isTooDeep } from "../../schema/validate.ts";
import { validateData } from "./validate-data.ts";

type PublishFrame = ClientFrameOf<"publish">;

/** The publishes of one connection to one topic that have no answer yet, in order. */
interface TopicQueue {
  readonly entry: TopicEntry;
  readonly frames: PublishFrame[];
  /** Whether the connection has ended. Then the entry is released, because a rule may never settle. */
  isOver: boolean;
}

/** The data that a publish stores, or the reason of its failure. */
type Encoded = { readonly data: string | Uint8Array } | { readonly error: ErrorFields };

/** The latest failed publish. The client may not have received the failure yet. */
interface UnseenFailure {
  id: number;
  /** Called when it knows. */
  readonly onSeen: (() => void)[];
}

/**
 * The publishes of one connection. The publishes to one topic run one after the other: rule, schema, broker.
 * So they are stored in the order in which the client sent them. A publish also waits for the answer to an earlier
 * subscribe of its topic, so that the client receives its own publications.
 *
 * After a failure no further publish starts until the client has received it. Otherwise the connection could
 * be lost first, and the client would send the failed publish again, after later publishes were stored.
 */
export class Publishes {
  readonly #connection: ChannelConnection;
  readonly #byTopic = new Map<string, TopicQueue>();
  #unseenFailure: UnseenFailure | undefined;
  #pending = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  publish(frame: PublishFrame): void {
    const fail = (id: number, error: ErrorFields): void => this.#fail(id, notStored(error));
    const used = { pending: this.#pending };
    const entry = acquireTopic(this.#connection, frame, "maxPendingPublishes", used, fail);
    if (entry === undefined) return;
    const waitMs = this.#connection.rates?.publishes?.take(entry.compiled.pattern.text) ?? 0;
    if (waitMs > 0) {
      this.#connection.environment.table.release(entry);
      fail(frame.id, tooMany("publishesPerSecond", waitMs));
      return;
    }
    this.#pending++;
    this.#enqueue(entry, frame);
  }

  /** The client has received the failure of a publish. */
  onSeen(id: number): void {
    if (this.#unseenFailure?.id === id) this.#startWaiting();
  }

  /** The connection has ended. No further publish starts. */
  endAll(): void {
    this.#startWaiting();
    for (const queue of this.#byTopic.values()) {
      queue.isOver = true;
      queue.frames.length = 0;
      this.#connection.environment.table.release(queue.entry);
    }
    this.#byTopic.clear();
  }

  /** No publish waits for the client any longer. */
  #startWaiting(): void {
    const waiting = this.#unseenFailure?.onSeen ?? [];
    this.#unseenFailure = undefined;
    for (const onSeen of waiting) onSeen();
  }

  async #failuresSeen(): Promise<void> {
    while (this.#unseenFailure !== undefined) {
      const { onSeen } = this.#unseenFailure;
      await new Promise<void>((resolve) => onSeen.push(resolve));
    }
  }

  #fail(id: number, error: ErrorFields): void {
    if (this.#unseenFailure === undefined) this.#unseenFailure = { id, onSeen: [] };
    else this.#unseenFailure.id = id;
    this.#connection.session.fail(id, error);
  }

  #enqueue(entry: TopicEntry, frame: PublishFrame): void {
    const queue = this.#byTopic.get(entry.name);
    if (queue !== undefined) {
      this.#connection.environment.table.release(entry);
      queue.frames.push(frame);
      return;
    }
    const created = { entry, frames: [frame], isOver: false };
    this.#byTopic.set(entry.name, created);
    void this.#run(created);
  }

  /** Publishes what is in a queue. After the end of the connection it starts no further publish. */
  async #run(queue: TopicQueue): Promise<void> {
    const { session, environment } = this.#connection;
    const { entry, frames } = queue;
    while (frames.length > 0) {
      if (!entry.compiled.isVolatile) await this.#failuresSeen();
      await this.#connection.whenSubscribed(entry.name);
      const frame = frames.shift();
      if (frame === undefined || session.isClosed) break;
      const error = await this.#publish(entry, frame);
      this.#pending--;
      if (error === undefined) continue;
      this.#fail(frame.id, error);
      // The broker would probably let each of the others wait as long as the failed one.
      if (error.code === "UNAVAILABLE") this.#failAll(queue);
    }
    if (queue.isOver) return;
    this.#byTopic.delete(entry.name);
    environment.table.release(entry);
  }

  #failAll({ frames }: TopicQueue): void {
    for (const { id } of frames.splice(0)) {
      this.#pending--;
      this.#fail(id, notStored(UNAVAILABLE));
    }
  }

  /** Returns the error if it fails. Never rejects. */
  async #publish(entry: TopicEntry, frame: PublishFrame): Promise<ErrorFields | undefined> {
    let encoded: Encoded;
    try {
      encoded = await this.#encode(entry, frame.data);
    } catch (error) {
      if (isTooDeep((error as Partial<Error> | undefined)?.cause, frame.data))
        return notStored(TOO_DEEP);
      this.#report(error, entry);
      return notStored(INTERNAL);
    }
    if ("error" in encoded) return notStored(encoded.error);
    if (this.#connection.session.isClosed) return undefined;
    return this.#store(entry, frame, encoded.data);
  }

  /** Validates the draft and applies the rule. @throws an error of the application's code */
  async #encode(entry: TopicEntry, value: unknown): Promise<Encoded> {
    const { draftSchema, messageSchema } = entry.compiled;
    const draft = await validateData(draftSchema, value);
    if (draft.kind !== "valid") {
      const error = invalidData(draft);
      if (error === undefined) throw causeOf(draft);
      return { error };
    }
    const decision = await this.#applyRule(entry, draft.value);
    if ("error" in decision) return decision;
    if (decision.result === true && messageSchema === draftSchema) {
      return { data: encodeData(draft.value) };
    }
    const message = decision.result === true ? draft.value : decision.result;
    return { data: await encodeMessage(messageSchema, message) };
  }

  #applyRule(
    entry: TopicEntry,
    draft: unknown,
  ): Promise<{ readonly result: unknown } | { readonly error: ErrorFields }> {
    return new Promise((resolve) => {
      runRule(
        this.#connection,
        entry,
        "publish",
        draft,
        (result) => resolve({ result }),
        (hasThrown) => resolve({ error: hasThrown ? INTERNAL : FORBIDDEN }),
      );
    });
  }

  async #store(
    entry: TopicEntry,
    frame: PublishFrame,
    data: string | Uint8Array,
  ): Promise<ErrorFields | undefined> {
    const { session, identity } = this.#connection;
    const { number = 0, key } = frame;
    const id = key === undefined ? `${identity}-${number.toString(36)}` : `key-${key}`;
    try {
      if (entry.compiled.isVolatile) {
        await entry.topic.send(data, { sender: identity });
        session.answer(frame.id, { isDuplicate: false });
        return undefined;
      }
      const { position, isDuplicate } = await entry.topic.publish(data, { id });
      session.answer(frame.id, { position: formatPosition(position), isDuplicate });
      return undefined;
    } catch (error) {
      const failure = brokerFailure(error);
      if (failure === undefined) this.#report(error, entry);
      return { ...(failure ?? INTERNAL), mayBeStored: mayBeStored(error) };
    }
  }

  #report(error: unknown, { name }: TopicEntry): void {
    this.#connection.environment.report(error, { kind: "publish", name });
  }
}

function notStored(error: ErrorFields): ErrorFields {
  return { ...error, mayBeStored: false };
}
