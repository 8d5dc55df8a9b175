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
import { DEFAULT_MAX_TOPICS, topicsFull } from "./topics-full.ts";
import { checkWhole } from "./topic-options.ts";

export interface MemoryBrokerOptions {
  /**
   * The most topics. For one more, the broker forgets the topic that has been idle longest without
   * subscribers. If every topic has subscribers, the call rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** Milliseconds from some fixed moment, never running backwards. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * The broker of one process: topics live as long as it does. Several `Topics` may share one, as the
 * servers of a test do.
 *
 * It holds at most `maxTopics` topics, each with at most `historySize` publications and `historyBytes`
 * bytes. A topic without subscribers is forgotten when its history, its ids and its members have
 * expired, or when another topic needs its place.
 */
export class MemoryBroker implements Broker {
  readonly #maxTopics: number;
  readonly #nowMs: () => number;
  readonly #listened = new Map<string, MemoryTopic>();
  /** Topics without listeners, in the order of their last use. */
  readonly #idle = new Map<string, MemoryTopic>();
  #isClosed = false;

  /** @throws UsageError `INVALID_OPTION` */
  constructor({ maxTopics, nowMs = () => performance.now() }: MemoryBrokerOptions = {}) {
    checkWhole("the memory broker", "maxTopics", maxTopics);
    this.#maxTopics = maxTopics ?? DEFAULT_MAX_TOPICS;
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

  async subscribe(name: string, listener: BrokerListener): Promise<() => Promise<void>> {
    const topic = this.#use(name);
    const stop = topic.subscribe(listener);
    this.#idle.delete(name);
    this.#listened.set(name, topic);
    return async () => {
      stop();
      // A second call must not touch a later topic of the same name.
      if (topic.hasListeners || this.#listened.get(name) !== topic) return;
      this.#listened.delete(name);
      this.#idle.set(name, topic);
    };
  }

  async enter(topic: string, entry: PresenceEntry, ttlMs: number): Promise<void> {
    this.#use(topic).enter(entry, ttlMs, this.#nowMs());
  }

  async leave(topic: string, key: string): Promise<void> {
    this.#find(topic)?.leave(key);
  }

  async members(topic: string): Promise<readonly PresenceEntry[]> {
    return this.#find(topic)?.members(this.#nowMs()) ?? [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listened.clear();
    this.#idle.clear();
  }

  #find(name: string): MemoryTopic | undefined {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the memory broker was closed");
    return this.#listened.get(name) ?? this.#idle.get(name);
  }

  #use(name: string): MemoryTopic {
    const topic = this.#find(name) ?? this.#begin();
    if (!topic.hasListeners) {
      this.#idle.delete(name);
      this.#idle.set(name, topic);
    }
    this.#forgetOldest(topic);
    return topic;
  }

  #begin(): MemoryTopic {
    if (this.#listened.size + this.#idle.size >= this.#maxTopics) {
      const [oldest] = this.#idle.keys();
      if (oldest === undefined) throw topicsFull(this.#maxTopics);
      this.#idle.delete(oldest);
    }
    return new MemoryTopic(this.#nowMs());
  }

  /** Checks only the least recently used topic, so that no sweep takes long. */
  #forgetOldest(used: MemoryTopic): void {
    const [[name, topic] = []] = this.#idle;
    if (topic !== used && topic?.isOver(this.#nowMs()) === true) this.#idle.delete(name!);
  }
}
