import { BrokerError, UsageError } from "../errors/index.ts";
import type { Broker } from "./broker.ts";
import { Feed } from "./feed.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { every, type NodeContext, type Timers } from "./node-context.ts";
import type { PresenceLease } from "./presence-lease.ts";
import type { TopicData } from "./publication.ts";
import type { Content } from "./recent-publications.ts";
import { Topic, type TopicHost } from "./topic.ts";
import type { SharedMessage } from "./topic-socket.ts";
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
  /** How long the broker may take to answer. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** For how long `publish` tries again while the broker is away. Default 10,000. */
  readonly publishTimeoutMs?: number;
  /**
   * How often the broker is asked whether anything was missed on a topic that has been silent, and
   * who is present; a topic without subscribers is left after as long again. Default 30,000.
   */
  readonly checkIntervalMs?: number;
  /** How long somebody stays present whose node has crashed. Default 30,000. */
  readonly presenceTtlMs?: number;
  /** Is told what goes wrong where nobody waits for it. Default: writes it to the console. */
  readonly onError?: (error: unknown, topic: string) => void;
  /** Default: the timers of the runtime. */
  readonly timers?: Timers;
}

const TIMES = [
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
  readonly #feeds = new Map<string, { readonly feed: Feed; readonly opened: Promise<void> }>();
  readonly #leases = new Set<PresenceLease>();
  /** Feeds that were not in use at the last check. */
  #idle = new Set<Feed>();
  readonly #stopChecking: () => void;
  #isClosed = false;

  /** @throws UsageError `INVALID_OPTION` */
  constructor(options: TopicsOptions = {}) {
    const {
      broker: givenBroker,
      optionsOf = () => undefined,
      prepare: share = (data: TopicData): Content => data,
      requestTimeoutMs = 5_000,
      publishTimeoutMs = 10_000,
      checkIntervalMs = 30_000,
      presenceTtlMs = 30_000,
      onError = (error) => console.error(error),
      timers = globalThis,
      ...topicOptions
    } = options;
    for (const name of TIMES) checkWhole("topics", name, options[name]);
    resolveTopicOptions(topicOptions);
    const broker = givenBroker ?? new MemoryBroker();
    this.#ownBroker = givenBroker === undefined ? broker : undefined;
    this.#topicOptions = topicOptions;
    this.#optionsOf = optionsOf;
    const report = safely(onError);
    const context: NodeContext = { broker, timers, requestTimeoutMs, presenceTtlMs, share, report };
    this.#host = {
      context,
      publishTimeoutMs,
      checkOpen: () => this.#checkOpen(),
      openFeed: (topic, settings) => this.#openFeed(topic, settings),
      hold: (lease) => this.#leases.add(lease),
      release: (lease) => this.#leases.delete(lease),
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
    const options = { ...this.#topicOptions, ...this.#optionsOf(name) };
    return new Topic(name, this.#host, resolveTopicOptions(options));
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
    await Promise.all([...this.#leases].map((lease) => lease.leave()));
    await Promise.all([...this.#feeds.keys()].map((name) => this.#closeFeed(name)));
    await this.#ownBroker?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the topics were closed");
  }

  async #openFeed(name: string, settings: TopicSettings): Promise<Feed> {
    const known = this.#feeds.get(name);
    if (known !== undefined) {
      await known.opened;
      return known.feed;
    }
    const feed = new Feed(name, this.#host.context, settings);
    const opened = feed.open();
    this.#feeds.set(name, { feed, opened });
    try {
      await opened;
    } catch (error) {
      this.#feeds.delete(name);
      throw error;
    }
    return feed;
  }

  #check(): void {
    const idle = new Set<Feed>();
    for (const { feed } of this.#feeds.values()) {
      if (feed.isInUse) feed.check();
      else if (this.#idle.has(feed)) void this.#closeFeed(feed.name);
      else idle.add(feed);
    }
    this.#idle = idle;
  }

  async #closeFeed(name: string): Promise<void> {
    const { feed } = this.#feeds.get(name)!;
    this.#feeds.delete(name);
    try {
      await feed.close();
    } catch (error) {
      this.#host.context.report(error, name);
    }
  }
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
    try {
      onError(error, topic);
    } catch (failure) {
      console.error(error);
      console.error(failure);
    }
  };
}
