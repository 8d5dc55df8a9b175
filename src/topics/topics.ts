/// <reference lib="esnext.disposable" preserve="true" />
import { BrokerError, UsageError } from "../errors/index.ts";
import type { Broker } from "./broker.ts";
import { Feed } from "./feed.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { every, type TopicsEnvironment, type Timers } from "./topics-environment.ts";
import { makingRoom } from "./making-room.ts";
import type { PresenceLease } from "./presence-lease.ts";
import type { TopicData } from "./publication.ts";
import type { Content } from "./recent-publications.ts";
import { Topic, type TopicHost } from "./topic.ts";
import type { SharedMessage } from "./topic-socket.ts";
import { DEFAULT_MAX_TOPICS, topicsFull } from "./topics-full.ts";
import {
  checkWhole,
  resolveTopicOptions,
  type TopicOptions,
  type TopicSettings,
} from "./topic-options.ts";

export interface TopicsOptions extends TopicOptions {
  /** Where publications are kept; yours to close. Default: a `MemoryBroker`, for one process. */
  readonly broker?: Broker;
  /** Options of single topics, over those given here for all. The same name gets the same ones. */
  readonly optionsOf?: (topic: string) => TopicOptions | undefined;
  /**
   * `prepare` of `tideway/server`, where all subscribers are sockets of such a server: then what goes
   * to all of them is compressed and framed once. Default: each socket is sent text or bytes.
   */
  readonly prepare?: (data: TopicData) => SharedMessage;
  /**
   * The most topics with subscribers, and the most with members, on this server. One more rejects with
   * `TOPICS_FULL`. Without a `broker`, it is also the `maxTopics` of the `MemoryBroker`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long the broker may take to answer. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** For how long `publish` tries again while the broker is away. Default 10,000. */
  readonly publishTimeoutMs?: number;
  /**
   * How often the broker is asked whether anything was missed on a topic that has been silent, and
   * who is present. The server leaves a topic without subscribers after the same time again, or when there
   * are more than 1,024 such topics. Default 30,000.
   */
  readonly checkIntervalMs?: number;
  /** How long somebody stays present whose node has crashed. Default 30,000. */
  readonly presenceTtlMs?: number;
  /** Is told what goes wrong where nobody waits for it. Default: writes it to the console. */
  readonly onError?: (error: unknown, topic: string) => void;
  /** Default: the timers of the runtime. */
  readonly timers?: Timers;
}

const NUMBERS = [
  "maxTopics",
  "requestTimeoutMs",
  "publishTimeoutMs",
  "checkIntervalMs",
  "presenceTtlMs",
] as const satisfies readonly (keyof TopicsOptions)[];

const MAX_NAME_LENGTH = 256;

/**
 * The topics of one node.
 *
 * ```ts
 * const topics = new Topics({ historySize: 200 });
 * const room = topics.topic("rooms/1");
 * ```
 */
export class Topics implements AsyncDisposable {
  /** Where the user has given none. */
  readonly #ownBroker: Broker | undefined;
  readonly #topicOptions: TopicOptions;
  readonly #optionsOf: (topic: string) => TopicOptions | undefined;
  readonly #host: TopicHost;
  readonly #maxTopics: number;
  readonly #feeds = new Map<string, OpenFeed>();
  /** Feeds without subscribers, with the number of checks when they lost theirs; oldest first. */
  readonly #idle = new Map<OpenFeed, number>();
  #checks = 0;
  readonly #leases = new Map<string, Set<PresenceLease>>();
  readonly #stopChecking: () => void;
  #isClosed = false;

  /** @throws UsageError `INVALID_OPTION` */
  constructor(options: TopicsOptions = {}) {
    const {
      broker: givenBroker,
      optionsOf = () => undefined,
      prepare: share = (data: TopicData): Content => data,
      maxTopics = DEFAULT_MAX_TOPICS,
      requestTimeoutMs = 5_000,
      publishTimeoutMs = 10_000,
      checkIntervalMs = 30_000,
      presenceTtlMs = 30_000,
      onError = (error) => console.error(error),
      timers = globalThis,
      ...topicOptions
    } = options;
    for (const name of NUMBERS) checkWhole("topics", name, options[name]);
    resolveTopicOptions(topicOptions);
    this.#maxTopics = maxTopics;
    this.#ownBroker = givenBroker === undefined ? new MemoryBroker({ maxTopics }) : undefined;
    const broker = makingRoom(givenBroker ?? this.#ownBroker!, () => this.#closeIdle());
    this.#topicOptions = topicOptions;
    this.#optionsOf = optionsOf;
    const report = safely(onError);
    const context: TopicsEnvironment = {
      broker,
      timers,
      requestTimeoutMs,
      presenceTtlMs,
      share,
      report,
    };
    this.#host = {
      context,
      publishTimeoutMs,
      checkOpen: () => this.#checkOpen(),
      withFeed: (topic, settings, action) => this.#withFeed(topic, settings, action),
      hold: (topic, lease) => this.#hold(topic, lease),
      release: (topic, lease) => this.#release(topic, lease),
    };
    this.#stopChecking = every(timers, checkIntervalMs, () => this.#check());
  }

  /**
   * The topic of this name. Nothing is kept for it: it can be asked for as often as one likes.
   *
   * @param name a well-formed text of 1 to 256 characters
   * @throws UsageError `INVALID_TOPIC`, see {@link isTopicName}
   * @throws UsageError `INVALID_OPTION` for what `optionsOf` returns
   */
  topic(name: string): Topic {
    if (!isTopicName(name)) {
      const shown = typeof name === "string" ? `one of ${(name as string).length}` : typeof name;
      throw new UsageError(
        "INVALID_TOPIC",
        `the name of a topic is a well-formed text of 1 to ${MAX_NAME_LENGTH} characters, not ${shown}`,
      );
    }
    const options: unknown = this.#optionsOf(name);
    checkOptionsOf(name, options);
    const settings = resolveTopicOptions({ ...this.#topicOptions, ...options });
    return new Topic(name, this.#host, settings);
  }

  /**
   * Ends what this node has on topics: who is present here leaves, and sockets that are still
   * subscribed are closed with 1001. Call it after the server has stopped. A broker that was given
   * stays open.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopChecking();
    const leases = [...this.#leases.values()].flatMap((ofTopic) => [...ofTopic]);
    await Promise.all(leases.map((lease) => lease.leave()));
    await Promise.all([...this.#feeds.keys()].map((name) => this.#closeFeed(name)));
    await this.#ownBroker?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the topics were closed");
  }

  async #withFeed<T>(
    name: string,
    settings: TopicSettings,
    action: (feed: Feed) => Promise<T>,
  ): Promise<T> {
    const open = this.#feeds.get(name) ?? this.#openFeed(name, settings);
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

  #openFeed(name: string, settings: TopicSettings): OpenFeed {
    if (this.#feeds.size >= this.#maxTopics && !this.#closeOldestIdle()) {
      throw topicsFull(this.#maxTopics, "subscribers");
    }
    const feed = new Feed(name, this.#host.context, settings, () => this.#noteIdle(open));
    const open: OpenFeed = { feed, opened: feed.open(), users: 0 };
    this.#feeds.set(name, open);
    open.opened.catch(() => {
      if (this.#feeds.get(name) === open) this.#feeds.delete(name);
    });
    return open;
  }

  /** Keeps a feed for a while, for subscribers that return. The number of such feeds is limited. */
  #noteIdle(open: OpenFeed): void {
    const { feed, users } = open;
    if (users > 0 || feed.hasSubscribers || this.#feeds.get(feed.name) !== open) return;
    this.#idle.delete(open);
    this.#idle.set(open, this.#checks);
    if (this.#idle.size > MAX_IDLE_FEEDS) this.#closeOldestIdle();
  }

  #check(): void {
    this.#checks++;
    for (const [open, idleSince] of this.#idle) {
      if (idleSince < this.#checks - 1) void this.#closeFeed(open.feed.name);
    }
    for (const open of this.#feeds.values()) {
      if (!this.#idle.has(open)) open.feed.check();
    }
  }

  /** Returns whether there was one. */
  #closeOldestIdle(): boolean {
    const [oldest] = this.#idle.keys();
    if (oldest === undefined) return false;
    void this.#closeFeed(oldest.feed.name);
    return true;
  }

  /** Returns whether there were any. */
  #closeIdle(): boolean {
    const hasIdle = this.#idle.size > 0;
    while (this.#closeOldestIdle());
    return hasIdle;
  }

  async #closeFeed(name: string): Promise<void> {
    const open = this.#feeds.get(name)!;
    this.#feeds.delete(name);
    this.#idle.delete(open);
    try {
      await open.feed.close();
    } catch (error) {
      this.#host.context.report(error, name);
    }
  }

  #hold(topic: string, lease: PresenceLease): void {
    let leases = this.#leases.get(topic);
    if (leases === undefined) {
      if (this.#leases.size >= this.#maxTopics) throw topicsFull(this.#maxTopics, "members");
      leases = new Set();
      this.#leases.set(topic, leases);
    }
    leases.add(lease);
  }

  #release(topic: string, lease: PresenceLease): void {
    const leases = this.#leases.get(topic);
    leases?.delete(lease);
    if (leases?.size === 0) this.#leases.delete(topic);
  }
}

/** This server's feed of a topic. */
interface OpenFeed {
  readonly feed: Feed;
  readonly opened: Promise<void>;
  /** The number of calls that use it. */
  users: number;
}

/** The most feeds without subscribers that are kept until the next check. */
const MAX_IDLE_FEEDS = 1_024;

/** @throws UsageError `INVALID_OPTION` unless `optionsOf` returned options, or none */
function checkOptionsOf(
  name: string,
  options: unknown,
): asserts options is TopicOptions | undefined {
  if (options === undefined) return;
  const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
  if (isObject && !("then" in options)) return;
  // An unhandled rejection would end the process.
  if (isObject) Promise.resolve(options).catch(() => {});
  const shown = isObject
    ? "a promise"
    : options === null
      ? "null"
      : `a value of type ${typeof options}`;
  throw new UsageError(
    "INVALID_OPTION",
    `topics: optionsOf(${JSON.stringify(name)}) returned ${shown}; return the options of a topic, or undefined`,
  );
}

/** Whether `value` can be the name of a topic: look before using a name that a client has sent. */
export function isTopicName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= MAX_NAME_LENGTH &&
    !LONE_SURROGATE.test(value)
  );
}

// It could not be told apart from U+FFFD once it is UTF-8.
const LONE_SURROGATE = /\p{Surrogate}/u;

function safely(
  onError: (error: unknown, topic: string) => void,
): (error: unknown, topic: string) => void {
  return (error, topic) => {
    const onFailure = (failure: unknown): void => {
      print(error);
      print(failure);
    };
    try {
      const result: unknown = onError(error, topic);
      // Async listeners are not awaited, but an unhandled rejection would end the process.
      Promise.resolve(result).catch(onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  };
}

function print(error: unknown): void {
  try {
    console.error(error);
  } catch {
    console.error("tideway: a value was thrown that cannot be printed");
  }
}
