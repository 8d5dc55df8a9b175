import { BrokerError } from "../../errors/index.ts";
import type { Broker } from "../broker/broker.ts";
import { topicsFull } from "../broker/check-options.ts";
import type { TopicSettings } from "../messages/topic-options.ts";
import type { TopicSocket } from "../messages/topic-socket.ts";
import type { TopicsEnvironment } from "../messages/topics-environment.ts";
import { Feed } from "./feed.ts";

/** The maximum number of feeds without subscribers. */
const MAX_IDLE_FEEDS = 1_024;

/**
 * The feeds of this server, by topic. A feed without subscribers is idle. For subscribers that reconnect, the
 * registry keeps it until the second check, or until there are too many feeds.
 */
export class FeedRegistry {
  readonly #environment: TopicsEnvironment;
  readonly #maxTopics: number;
  readonly #feeds = new Map<string, OpenFeed>();
  /**
   * Idle feeds, with the value of `#checks` when they became idle. The feed that has been idle longest is
   * first.
   */
  readonly #idle = new Map<OpenFeed, number>();
  #checks = 0;

  /**
   * @param maxTopics the maximum number of feeds; a further feed is refused with `TOPICS_FULL`
   */
  constructor(environment: TopicsEnvironment, maxTopics: number) {
    this.#environment = environment;
    this.#maxTopics = maxTopics;
  }

  /** Runs `action` with the open feed of a topic, which is not evicted during the call. @throws BrokerError */
  async use<T>(
    name: string,
    settings: TopicSettings,
    action: (feed: Feed) => Promise<T>,
  ): Promise<T> {
    const open = this.#feeds.get(name) ?? this.#open(name, settings);
    this.#idle.delete(open);
    open.users++;
    try {
      await open.opened;
      return await action(open.feed);
    } finally {
      open.users--;
      this.#noteIdle(open);
    }
  }

  /** Ends the subscription of a socket to a topic, if there is one. */
  unsubscribe(name: string, socket: TopicSocket): void {
    this.#feeds.get(name)?.feed.unsubscribe(socket);
  }

  /** Evicts feeds that were already idle at the previous check, and checks the feeds that are not idle. */
  check(): void {
    this.#checks++;
    for (const [open, idleSince] of this.#idle) {
      if (idleSince < this.#checks - 1) void this.#close(open.feed.name);
    }
    for (const open of this.#feeds.values()) {
      if (!this.#idle.has(open)) open.feed.check();
    }
  }

  /** Evicts all idle feeds. Returns false if there were none. */
  evictIdle(): boolean {
    const hasIdle = this.#idle.size > 0;
    while (this.#evictOldestIdle());
    return hasIdle;
  }

  /** Closes all feeds. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.#feeds.keys()].map((name) => this.#close(name)));
  }

  #open(name: string, settings: TopicSettings): OpenFeed {
    if (this.#feeds.size >= this.#maxTopics && !this.#evictOldestIdle()) {
      throw topicsFull(this.#maxTopics, "subscribers");
    }
    const feed = new Feed(name, this.#environment, settings, () => this.#noteIdle(open));
    const open: OpenFeed = { feed, opened: feed.open(), users: 0 };
    this.#feeds.set(name, open);
    // No other feed can have the name, because a feed that opens is not idle.
    open.opened.catch(() => this.#feeds.delete(name));
    return open;
  }

  #noteIdle(open: OpenFeed): void {
    const { feed, users } = open;
    if (users > 0 || feed.hasSubscribers || this.#feeds.get(feed.name) !== open) return;
    this.#idle.delete(open);
    this.#idle.set(open, this.#checks);
    if (this.#idle.size > MAX_IDLE_FEEDS) this.#evictOldestIdle();
  }

  /** Returns false if no feed is idle. */
  #evictOldestIdle(): boolean {
    const [oldest] = this.#idle.keys();
    if (oldest === undefined) return false;
    void this.#close(oldest.feed.name);
    return true;
  }

  async #close(name: string): Promise<void> {
    const open = this.#feeds.get(name)!;
    this.#feeds.delete(name);
    this.#idle.delete(open);
    try {
      await open.feed.close();
    } catch (error) {
      this.#environment.report(error, name);
    }
  }
}

/** A feed, with the number of calls that use it. */
interface OpenFeed {
  readonly feed: Feed;
  readonly opened: Promise<void>;
  /** The number of calls that use the feed. */
  users: number;
}

/**
 * Wraps a broker. If a call rejects with `TOPICS_FULL`, it evicts idle feeds, and calls once more.
 *
 * @param evictIdle stops listening to idle topics, and returns false if there are no idle topics
 */
export function withEviction(broker: Broker, evictIdle: () => boolean): Broker {
  async function call<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const isFull = error instanceof BrokerError && error.code === "TOPICS_FULL";
      if (!isFull || !evictIdle()) throw error;
      return action();
    }
  }
  return {
    publish: (...args) => call(() => broker.publish(...args)),
    history: (...args) => call(() => broker.history(...args)),
    subscribe: (...args) => call(() => broker.subscribe(...args)),
    ...(broker.send === undefined ? {} : { send: (...args) => broker.send!(...args) }),
    enter: (...args) => call(() => broker.enter(...args)),
    leave: (...args) => broker.leave(...args),
    members: (...args) => broker.members(...args),
    close: () => broker.close(),
  };
}
