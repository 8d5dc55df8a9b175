import type { BrokerListener, VolatileMessage } from "../broker.ts";
import { decodeMessage, decodeRecord, readRecordPosition } from "../payload.ts";
import type { Publication } from "../publication.ts";
import type { NatsConnection, NatsMessage, NatsSubscription } from "./nats-client.ts";
import type { Tail } from "./nats-log.ts";
import { isPresenceChange } from "./nats-presence.ts";
import { textOf } from "./nats-stream.ts";
import type { LiveSubjects } from "./nats-subjects.ts";

/** The listeners of one topic, which share its subscriptions. */
export class NatsTopicListening {
  readonly #connection: NatsConnection;
  readonly #subjects: LiveSubjects;
  readonly #onTail: (tail: Tail) => void;
  readonly #listeners = new Set<BrokerListener>();
  readonly #subscriptions: NatsSubscription[] = [];
  #hasMessages = false;

  /** @param onTail called with the position of each message, before the listeners */
  constructor(connection: NatsConnection, subjects: LiveSubjects, onTail: (tail: Tail) => void) {
    this.#connection = connection;
    this.#subjects = subjects;
    this.#onTail = onTail;
    this.#subscribe(subjects.publications, this.#onLive);
    this.#subscribe(subjects.presence, this.#onPresence);
  }

  /**
   * Adds a listener. Returns a function that removes the listener, and that returns whether it was the last
   * one.
   */
  add(listener: BrokerListener): () => boolean {
    // A new object, so that the same listener can be added twice.
    const own: BrokerListener = {
      onPublication: (publication) => listener.onPublication(publication),
      onInterruption: () => listener.onInterruption(),
      onPresenceChange: () => listener.onPresenceChange(),
      onMessage: (message) => listener.onMessage?.(message),
    };
    this.#listeners.add(own);
    // Most topics have no volatile messages, so they need no subscription for them.
    if (listener.onMessage !== undefined && !this.#hasMessages) {
      this.#hasMessages = true;
      this.#subscribe(this.#subjects.messages, this.#onMessage);
    }
    return () => this.#listeners.delete(own) && this.#listeners.size === 0;
  }

  /** Tells all listeners that messages may be missing. */
  interrupt(): void {
    for (const listener of this.#listeners) listener.onInterruption();
  }

  close(): void {
    this.#listeners.clear();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  #subscribe(subject: string, callback: (error: Error | null, message: NatsMessage) => void): void {
    this.#subscriptions.push(this.#connection.subscribe(subject, { callback }));
  }

  readonly #onLive = (error: Error | null, message: NatsMessage): void => {
    const publication = error === null ? this.#read(message) : undefined;
    // After a mark or an unreadable message, the listeners must read the stream.
    if (publication === undefined) this.interrupt();
    else for (const listener of this.#listeners) listener.onPublication(publication);
  };

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

  #read(message: NatsMessage): Publication | undefined {
    const text = textOf(message);
    const position = readRecordPosition(text);
    const sequence = Number(message.headers?.get("Nats-Sequence"));
    if (position !== undefined && sequence > 0) this.#onTail({ position, sequence });
    return decodeRecord(text);
  }
}
