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
import {
  checkFunction,
  checkNames,
  checkOptions,
  checkWhole,
  DEFAULT_MAX_TOPICS,
  topicsFull,
} from "./options.ts";

export interface MemoryBrokerOptions {
  /**
   * The most topics. For one more, the broker evicts the topic that has been idle longest without
   * listeners. If every topic has listeners, the call rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** A monotonic clock in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * A broker for one process, which keeps everything in memory. Several `Topics` may share one, such as the
 * servers of a test.
 *
 * It holds at most `maxTopics` topics, each with at most `historySize` publications and `historyBytes`
 * bytes. A topic without listeners is evicted when its history, its ids and its members have expired, or
 * when there is no room for another topic.
 */
export class MemoryBroker implements Broker {
  readonly #maxTopics: number;
  readonly #nowMs: () => number;
  /** Topics with listeners. */
  readonly #active = new Map<string, MemoryTopic>();
  /** Topics without listeners, the least recently used first. */
  readonly #idle = new Map<string, MemoryTopic>();
  #isClosed = false;

  /** @throws UsageError `INVALID_OPTION` */
  constructor(options: MemoryBrokerOptions = {}) {
    checkOptions("the memory broker", options);
    checkNames("the memory broker", options, ["maxTopics", "nowMs"]);
    checkWhole("the memory broker", "maxTopics", options.maxTopics);
    checkFunction("the memory broker", "nowMs", options.nowMs);
    const { maxTopics = DEFAULT_MAX_TOPICS, nowMs = () => performance.now() } = options;
    this.#maxTopics = maxTopics;
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
    this.#active.set(name, topic);
    return async () => {
      stop();
      // A second call must not affect a later topic of the same name.
      if (topic.hasListeners || this.#active.get(name) !== topic) return;
      this.#active.delete(name);
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
    this.#active.clear();
    this.#idle.clear();
  }

  #find(name: string): MemoryTopic | undefined {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the memory broker was closed");
    return this.#active.get(name) ?? this.#idle.get(name);
  }

  #use(name: string): MemoryTopic {
    const topic = this.#find(name) ?? this.#create();
    if (!topic.hasListeners) {
      this.#idle.delete(name);
      this.#idle.set(name, topic);
    }
    this.#evictExpired(topic);
    return topic;
  }

  #create(): MemoryTopic {
    if (this.#active.size + this.#idle.size >= this.#maxTopics) {
      const [oldest] = this.#idle.keys();
      if (oldest === undefined) throw topicsFull(this.#maxTopics);
      this.#idle.delete(oldest);
    }
    return new MemoryTopic(this.#nowMs());
  }

  /** Checks only the least recently used topic, so that no call takes long. */
  #evictExpired(used: MemoryTopic): void {
    const [[name, topic] = []] = this.#idle;
    if (topic !== used && topic?.isExpired(this.#nowMs()) === true) this.#idle.delete(name!);
  }
}
