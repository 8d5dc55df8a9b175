import {
  checkFunction,
  checkInteger,
  checkNames,
  checkRecord,
} from "../../errors/check-options.ts";
import { BrokerError } from "../../errors/index.ts";
import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  BrokerPublishResult,
  Retention,
  VolatileMessage,
} from "./broker.ts";
import { DEFAULT_MAX_TOPICS, topicsFull } from "./check-options.ts";
import { MemoryTopic } from "./memory-topic.ts";

/** Options of a {@link MemoryBroker}. */
export interface MemoryBrokerOptions {
  /**
   * The maximum number of topics. To make room for a further topic, the broker evicts the topic without
   * listeners that has been idle longest. If every topic has listeners, the call rejects with BrokerError
   * `TOPICS_FULL`. Default: 65,536.
   */
  readonly maxTopics?: number;
  /** A monotonic clock in milliseconds, for tests. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * A broker in memory, for one process. It is the default broker of `Topics`. Several `Topics` objects can
 * share a broker, for example to test several servers in one process. All publications are lost when the
 * process ends.
 *
 * It holds at most `maxTopics` topics, each with at most `historySize` publications and `historyBytes`
 * bytes. It evicts a topic without listeners after its history, its ids and its members have expired, or to
 * make room for another topic.
 *
 * @example
 * ```ts
 * const broker = new MemoryBroker();
 * const [here, there] = [new Topics({ broker }), new Topics({ broker })];
 * ```
 */
export class MemoryBroker implements Broker {
  readonly #maxTopics: number;
  readonly #nowMs: () => number;
  /** Topics with listeners. */
  readonly #active = new Map<string, MemoryTopic>();
  /** Topics without listeners. The least recently used topic is first. */
  readonly #idle = new Map<string, MemoryTopic>();
  #isClosed = false;

  /** Creates an empty broker. @throws UsageError `INVALID_OPTION` */
  constructor(options: MemoryBrokerOptions = {}) {
    checkRecord("MemoryBroker", options);
    checkNames("MemoryBroker", options, ["maxTopics", "nowMs"]);
    checkInteger("MemoryBroker", "maxTopics", options.maxTopics);
    checkFunction("MemoryBroker", "nowMs", options.nowMs);
    const { maxTopics = DEFAULT_MAX_TOPICS, nowMs = () => performance.now() } = options;
    this.#maxTopics = maxTopics;
    this.#nowMs = nowMs;
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<BrokerPublishResult> {
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
      // A second call of this function must not affect a later topic with the same name.
      if (topic.hasListeners || this.#active.get(name) !== topic) return;
      this.#active.delete(name);
      this.#idle.set(name, topic);
    };
  }

  async send(topic: string, message: VolatileMessage): Promise<void> {
    this.#find(topic)?.send(message);
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

  /** Deletes all topics. Further calls reject with BrokerError `BROKER_CLOSED`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#active.clear();
    this.#idle.clear();
  }

  #find(name: string): MemoryTopic | undefined {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the MemoryBroker is closed");
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

  /**
   * Evicts the least recently used topic if it has expired. It checks only one topic, so that no call takes
   * long.
   */
  #evictExpired(used: MemoryTopic): void {
    const [[name, topic] = []] = this.#idle;
    if (topic !== used && topic?.isExpired(this.#nowMs()) === true) this.#idle.delete(name!);
  }
}
