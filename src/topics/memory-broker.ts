import { BrokerError } from "../errors/index.ts";
import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  PublishReceipt,
  Retention,
} from "./broker.ts";
import { MemoryTopic } from "./memory-topic.ts";

/** The time of a {@link MemoryBroker}. */
export interface MemoryBrokerOptions {
  /** Milliseconds from some fixed moment, never running backwards. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * The broker of one process: topics live as long as it does. Several `Topics` may share one, as the
 * nodes of a test do.
 */
export class MemoryBroker implements Broker {
  readonly #nowMs: () => number;
  /** In the order of their last use. */
  readonly #topics = new Map<string, MemoryTopic>();
  #isClosed = false;

  constructor({ nowMs = () => performance.now() }: MemoryBrokerOptions = {}) {
    this.#nowMs = nowMs;
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<PublishReceipt> {
    return this.#use(topic).publish(draft, retention, this.#nowMs());
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    return this.#use(topic).history(query, retention, this.#nowMs());
  }

  async subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    const subscribed = this.#use(topic);
    const stop = subscribed.subscribe(listener);
    return async () => stop();
  }

  async enter(topic: string, entry: PresenceEntry, ttlMs: number): Promise<void> {
    this.#use(topic).enter(entry, ttlMs, this.#nowMs());
  }

  async leave(topic: string, key: string): Promise<void> {
    this.#use(topic).leave(key);
  }

  async members(topic: string): Promise<readonly PresenceEntry[]> {
    return this.#use(topic).members(this.#nowMs());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#topics.clear();
  }

  #use(name: string): MemoryTopic {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the memory broker was closed");
    const topic = this.#topics.get(name) ?? new MemoryTopic(this.#nowMs());
    this.#topics.delete(name);
    this.#topics.set(name, topic);
    this.#forgetOldest();
    return topic;
  }

  /** Looks at the topic that was used least lately; so there is no sweep that takes long. */
  #forgetOldest(): void {
    const [[name, topic]] = this.#topics;
    if (this.#topics.size === 1 || !topic.isOver(this.#nowMs())) return;
    this.#topics.delete(name);
    // In use, and only quiet: it waits for its next turn.
    if (topic.hasListeners) this.#topics.set(name, topic);
  }
}
