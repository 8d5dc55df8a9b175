import type { BrokerListener, VolatileMessage } from "../broker/broker.ts";
import { decodeMessage } from "../broker/payload.ts";
import type { Position } from "../broker/position.ts";
import { delay } from "../broker/timers.ts";
import type { NatsConnection, NatsMessage, NatsSubscription } from "./nats-client.ts";
import { type LiveRecord, NatsNumbering, type PlacedRecord } from "./nats-numbering.ts";
import { isPresenceChange } from "./nats-presence.ts";
import { publicationOf, readRecord, type Tail } from "./nats-record.ts";
import { textOf } from "./nats-stream.ts";
import type { LiveSubjects } from "./nats-subjects.ts";

/** How long a message waits for the previous one, which NATS may deliver later if it has another publisher. */
const REORDER_MS = 50;

/** A topic to listen to. */
export interface NatsLiveTopic {
  readonly subjects: LiveSubjects;
  /** Called with the position of each message, and the id of its publication, before the listeners. */
  readonly onTail: (tail: Tail, id: string | undefined) => void;
  /** Called if NATS uses a sequence number again, or if too many messages wait for an earlier one. */
  readonly onReuse: () => void;
  /** Reads the last message, and begins a new epoch if NATS has lost messages that this process knew. */
  readonly checkTail: () => Promise<unknown>;
  /** Reads the position of the message with a sequence number. */
  readonly positionOf: (sequence: number) => Promise<Position>;
}

/** The listeners of one topic, which share its subscriptions. */
export class NatsTopicListening {
  readonly #connection: NatsConnection;
  readonly #topic: NatsLiveTopic;
  readonly #listeners = new Set<BrokerListener>();
  readonly #followers = new Set<(tail: Tail) => void>();
  readonly #subscriptions: NatsSubscription[] = [];
  readonly #numbering = new NatsNumbering();
  #isLocating = false;
  /** Whether a sequence number was used again. */
  #mayBeLost = false;
  #hasPresence = false;
  #hasMessages = false;
  /** The error with which NATS has refused a subscription, which it then closes. */
  #refusal: Error | undefined;

  constructor(connection: NatsConnection, topic: NatsLiveTopic) {
    this.#connection = connection;
    this.#topic = topic;
    this.#subscribe(topic.subjects.publications, this.#onLive);
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether there are neither listeners nor followers. */
  get isUnused(): boolean {
    return this.#listeners.size === 0 && this.#followers.size === 0;
  }

  /** Adds a listener. Returns a function that removes it. The function returns false if it was called before. */
  add(listener: BrokerListener): () => boolean {
    // A new object, so that the same listener can be added twice.
    const own: BrokerListener = {
      onPublication: (publication) => listener.onPublication(publication),
      onInterruption: () => listener.onInterruption(),
      onPresenceChange: () => listener.onPresenceChange(),
      onMessage: (message) => listener.onMessage?.(message),
    };
    this.#listeners.add(own);
    if (!this.#hasPresence) {
      this.#hasPresence = true;
      this.#subscribe(this.#topic.subjects.presence, this.#onPresence);
    }
    // Most topics have no volatile messages, so they need no subscription for them.
    if (listener.onMessage !== undefined && !this.#hasMessages) {
      this.#hasMessages = true;
      this.#subscribe(this.#topic.subjects.messages, this.#onMessage);
    }
    return () => this.#listeners.delete(own);
  }

  /** @throws the error of the client if NATS has refused a subscription, such as PermissionViolationError */
  checkAccepted(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Calls back with the position of each message. Returns a function that stops it. */
  follow(onPlaced: (tail: Tail) => void): () => void {
    this.#followers.add(onPlaced);
    return () => void this.#followers.delete(onPlaced);
  }

  /** Tells all listeners that messages may be missing, because the connection was lost. */
  restart(): void {
    this.#numbering.clear();
    this.interrupt();
  }

  /** Tells all listeners that messages may be missing. */
  interrupt(): void {
    for (const listener of this.#listeners) listener.onInterruption();
  }

  close(): void {
    this.#listeners.clear();
    this.#followers.clear();
    this.#numbering.clear();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  #subscribe(subject: string, callback: (error: Error | null, message: NatsMessage) => void): void {
    const onMessage = (error: Error | null, message: NatsMessage): void => {
      if (error !== null) this.#refusal = error;
      callback(error, message);
    };
    this.#subscriptions.push(this.#connection.subscribe(subject, { callback: onMessage }));
  }

  readonly #onLive = (error: Error | null, message: NatsMessage): void => {
    const live = error === null ? readLive(message) : undefined;
    const placed = live && this.#numbering.add(live);
    if (placed !== undefined) this.#deliver(placed);
    else {
      if (live !== undefined) {
        this.#mayBeLost = true;
        this.#topic.onReuse();
      }
      this.interrupt();
    }
    if (this.#numbering.firstWaiting !== undefined) void this.#locateWaiting();
  };

  #deliver(placed: readonly PlacedRecord[]): void {
    for (const { sequence, record, position } of placed) {
      const tail = { sequence, position };
      const publication = publicationOf(record, position);
      if (record.kind !== "unreadable") this.#topic.onTail(tail, publication?.id);
      for (const onPlaced of this.#followers) onPlaced(tail);
      // After a mark or an unreadable message, the listeners must read the stream.
      if (publication === undefined) this.interrupt();
      else for (const listener of this.#listeners) listener.onPublication(publication);
    }
  }

  /** Reads the positions of messages for which the previous message was not delivered. */
  async #locateWaiting(): Promise<void> {
    if (this.#isLocating) return;
    this.#isLocating = true;
    try {
      for (;;) {
        const sequence = this.#numbering.firstWaiting;
        if (sequence === undefined) break;
        if (this.#numbering.hasTail) await delay(globalThis, REORDER_MS);
        if (this.#numbering.firstWaiting !== sequence) continue;
        if (this.#mayBeLost) await this.#topic.checkTail();
        this.#mayBeLost = false;
        const position = await this.#topic.positionOf(sequence);
        this.#deliver(this.#numbering.place(sequence, position));
      }
    } catch {
      this.#numbering.clear();
      this.interrupt();
    }
    this.#isLocating = false;
  }

  readonly #onPresence = (error: Error | null, message: NatsMessage): void => {
    if (error === null && !isPresenceChange(textOf(message))) return;
    for (const listener of this.#listeners) listener.onPresenceChange();
  };

  readonly #onMessage = (error: Error | null, message: NatsMessage): void => {
    const read: VolatileMessage | undefined =
      error === null ? decodeMessage(textOf(message)) : undefined;
    if (read === undefined) return;
    for (const listener of this.#listeners) listener.onMessage?.(read);
  };
}

/** @returns undefined if JetStream has not sent the message */
function readLive(message: NatsMessage): LiveRecord | undefined {
  const sequence = Number(message.headers?.get("Nats-Sequence"));
  const previous = Number(message.headers?.get("Nats-Last-Sequence"));
  if (!(sequence > 0) || !(previous >= 0)) return undefined;
  return { sequence, previous, record: readRecord(textOf(message)) };
}
