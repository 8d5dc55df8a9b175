/// <reference lib="esnext.disposable" preserve="true" />
import { checkFunction, checkInteger, checkRecord, shown } from "../errors/check-options.ts";
import { BrokerError, UsageError } from "../errors/index.ts";
import type { Broker } from "./broker/broker.ts";
import { isTopicName, MAX_NAME_LENGTH } from "../topic-names/topic-name.ts";
import type { TopicPattern } from "../topic-names/topic-pattern.ts";
import { describeError } from "../errors/debug-log.ts";
import { quote } from "../errors/quote.ts";
import { isRecord } from "../errors/record.ts";
import { printError, safeListener } from "../errors/safe-listener.ts";
import { debugLog } from "./broker/debug-log.ts";
import { FeedRegistry, withEviction } from "./subscribers/feed-registry.ts";
import { SettingsByPattern } from "./messages/pattern-settings.ts";
import { MemberWatches } from "./presence/member-watches.ts";
import { MemoryBroker } from "./broker/memory-broker.ts";
import { checkMethods, DEFAULT_MAX_TOPICS } from "./broker/check-options.ts";
import { PresenceLeases } from "./presence/presence-leases.ts";
import type { TopicData } from "./broker/publication.ts";
import type { Content } from "./messages/recent-publications.ts";
import { every, type Timers } from "./broker/timers.ts";
import { type Topic, TopicHandle, type TopicsState } from "./topic.ts";
import {
  resolveTopicOptions,
  type TopicOptions,
  type TopicSettings,
} from "./messages/topic-options.ts";
import type { SharedMessage } from "./messages/topic-socket.ts";
import type { TopicsEnvironment } from "./messages/topics-environment.ts";
import { VolatileMessages } from "./messages/volatile-messages.ts";

/** Options of {@link Topics}. The options of {@link TopicOptions} apply to all topics. */
export interface TopicsOptions extends TopicOptions {
  /**
   * Stores the publications and delivers them to all servers: a `RedisBroker`, a `NatsBroker`, or your own.
   * `close` of `Topics` does not close it. Default: a `MemoryBroker`, for one process.
   */
  readonly broker?: Broker;
  /**
   * Options by pattern, such as `{ "rooms/:room": { historySize: 200 } }`, which override the options for all
   * topics. A segment with a colon matches any segment that is percent-encoded as `encodeURIComponent` does,
   * with 1 to 128 characters. A pattern without such a segment overrides the patterns that match the same
   * name. Two other patterns must not match the same name. Default: no patterns.
   */
  readonly patterns?: { readonly [pattern: string]: TopicOptions };
  /**
   * Returns the options of a single topic, which override the options for all topics and of `patterns`. It
   * must always return the same options for the same name.
   */
  readonly optionsOf?: (topic: string) => TopicOptions | undefined;
  /**
   * Pass the function `prepare` of `tideway/server` if all subscribers are sockets of such a server. Then
   * each message is compressed and framed once for all subscribers. Default: each socket compresses and
   * frames the message itself.
   */
  readonly prepare?: (data: TopicData) => SharedMessage;
  /**
   * The maximum number of topics with subscribers on this server, and also the maximum number of topics with
   * members. A call for a further topic rejects with BrokerError `TOPICS_FULL`. Without `broker`, it is also
   * the limit of the default `MemoryBroker`. An integer above 0. Default: 65,536.
   */
  readonly maxTopics?: number;
  /**
   * How long the broker may take to answer a request, in milliseconds. After that, the call rejects with
   * BrokerError `BROKER_TIMEOUT`. Default: 5,000.
   */
  readonly requestTimeoutMs?: number;
  /** How long `publish` retries while the broker cannot be reached, in milliseconds. Default: 10,000. */
  readonly publishTimeoutMs?: number;
  /**
   * The interval in milliseconds at which each server asks the broker for missed publications and for
   * members. It asks for publications only if none have arrived since the last check. A server stops
   * listening to a topic without subscribers after one to two intervals, or when it listens to more than
   * 1,024 such topics. Default: 30,000.
   */
  readonly checkIntervalMs?: number;
  /**
   * How long a member stays present after its server has crashed, in milliseconds. At most 600,000 with a
   * `NatsBroker`. Default: 30,000.
   */
  readonly presenceTtlMs?: number;
  /**
   * The maximum number of members on this server that are present for their `graceMs` after a lost connection.
   * Beyond it, the member that lost its connection first leaves. An integer above 0. Default: 65,536.
   */
  readonly maxAbsentMembers?: number;
  /**
   * Called with each error in background work, and the name of the topic. Default: prints the error to the
   * console.
   */
  readonly onError?: (error: unknown, topic: string) => void;
  /** The timer functions, for tests. Default: `globalThis`. */
  readonly timers?: Timers;
}

const NUMBERS = [
  "maxTopics",
  "requestTimeoutMs",
  "publishTimeoutMs",
  "checkIntervalMs",
  "presenceTtlMs",
  "maxAbsentMembers",
] as const satisfies readonly (keyof TopicsOptions)[];

const FUNCTIONS = [
  "optionsOf",
  "prepare",
  "onError",
] as const satisfies readonly (keyof TopicsOptions)[];

const BROKER_METHODS: readonly (keyof Broker)[] = [
  "publish",
  "history",
  "subscribe",
  "enter",
  "leave",
  "members",
  "close",
];

/** The shortest `idWindowMs` of a topic with a name that matches `pattern`. Ignores `optionsOf`. For `channels`. */
export let shortestIdWindowMs: (topics: Topics, pattern: TopicPattern) => number;

/**
 * Publishes messages to the sockets that are subscribed to a topic. Create one `Topics` for each server
 * process, and pass a broker to connect several processes.
 *
 * @example
 * ```ts
 * const topics = new Topics({ historySize: 200 });
 * const room = topics.topic("rooms/1");
 * await room.subscribe(socket, { since: url.searchParams.get("since") });
 * await room.publish("hello");
 * ```
 */
export class Topics implements AsyncDisposable {
  readonly #state: TopicsState;
  readonly #topicOptions: TopicOptions;
  /** The settings of topics without other options. */
  readonly #settings: TopicSettings;
  readonly #patterns: SettingsByPattern | undefined;
  readonly #optionsOf: (topic: string) => TopicOptions | undefined;
  /** The default broker, which `close` closes. */
  readonly #ownBroker: Broker | undefined;
  readonly #stopChecking: () => void;
  #isClosed = false;

  static {
    shortestIdWindowMs = (topics, pattern) => {
      const settings = topics.#patterns?.allFor(pattern, topics.#settings) ?? [topics.#settings];
      return Math.min(...settings.map(({ retention }) => retention.idWindowMs));
    };
  }

  /**
   * Creates the topics of a server. Call `close` when the server stops.
   *
   * @throws UsageError `INVALID_OPTION`, `INVALID_TOPIC_PATTERN`
   */
  constructor(options: TopicsOptions = {}) {
    checkTopicsOptions(options);
    const {
      broker: givenBroker,
      patterns,
      optionsOf = () => undefined,
      prepare: share = (data: TopicData): Content => data,
      maxTopics = DEFAULT_MAX_TOPICS,
      requestTimeoutMs = 5_000,
      publishTimeoutMs = 10_000,
      checkIntervalMs = 30_000,
      presenceTtlMs = 30_000,
      maxAbsentMembers = 65_536,
      onError = printError,
      timers = globalThis,
      ...topicOptions
    } = options;
    this.#settings = resolveTopicOptions(topicOptions);
    this.#topicOptions = topicOptions;
    if (patterns !== undefined) this.#patterns = new SettingsByPattern(patterns, topicOptions);
    this.#optionsOf = optionsOf;
    this.#ownBroker = givenBroker === undefined ? new MemoryBroker({ maxTopics }) : undefined;
    const environment: TopicsEnvironment = {
      broker: withEviction(givenBroker ?? this.#ownBroker!, () => this.#state.feeds.evictIdle()),
      timers,
      requestTimeoutMs,
      publishTimeoutMs,
      presenceTtlMs,
      log: debugLog,
      share,
      report: withDebugLog(safeListener(onError)),
      checkOpen: () => this.#checkOpen(),
    };
    this.#state = {
      environment,
      feeds: new FeedRegistry(environment, maxTopics),
      leases: new PresenceLeases(environment, { maxTopics, maxAbsentMembers }),
      messages: new VolatileMessages(environment, maxTopics),
      watches: new MemberWatches(environment, maxTopics),
    };
    this.#stopChecking = every(timers, checkIntervalMs, () => {
      this.#state.feeds.check();
      this.#state.watches.check();
    });
  }

  /**
   * Returns the topic with this name. It keeps nothing in memory, so you can call it for every message.
   *
   * @param name a string of 1 to 256 characters, without lone surrogates
   * @throws UsageError `INVALID_TOPIC_NAME` if the name is invalid; check names that clients send with
   *   {@link isTopicName}
   * @throws UsageError `INVALID_OPTION` if `optionsOf` returns invalid options
   */
  topic(name: string): Topic {
    if (!isTopicName(name)) {
      const got =
        typeof name === "string" ? `a string of length ${(name as string).length}` : shown(name);
      throw new UsageError(
        "INVALID_TOPIC_NAME",
        `a topic name must be a string of 1 to ${MAX_NAME_LENGTH} characters without lone surrogates, not ${got}`,
      );
    }
    const options: unknown = this.#optionsOf(name);
    checkOptionsOf(name, options);
    return new TopicHandle(name, this.#settingsOf(name, options), this.#state);
  }

  /**
   * Ends all subscriptions, listeners and presence on this server. Its members leave, or stay for their
   * `graceMs`. Sockets that are still subscribed close with 1001. Call it after the server's `stop`. It does
   * not close a broker that you passed. Never rejects. A second call has no effect.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopChecking();
    const { feeds, leases, messages, watches } = this.#state;
    await leases.close();
    await Promise.all([feeds.close(), messages.close(), watches.close()]);
    await this.#ownBroker?.close();
  }

  /** Calls `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #settingsOf(name: string, options: TopicOptions | undefined): TopicSettings {
    const matching = this.#patterns?.find(name);
    if (options === undefined) return matching?.settings ?? this.#settings;
    return resolveTopicOptions({ ...this.#topicOptions, ...matching?.options, ...options });
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "this Topics object is closed");
  }
}

/** Checks the options of `Topics` except for `TopicOptions`. @throws UsageError `INVALID_OPTION` */
function checkTopicsOptions(options: TopicsOptions): void {
  checkRecord("Topics", options);
  for (const name of NUMBERS) checkInteger("Topics", name, options[name]);
  for (const name of FUNCTIONS) checkFunction("Topics", name, options[name]);
  checkMethods("Topics", "broker", options.broker, BROKER_METHODS);
  checkMethods("Topics", "timers", options.timers, ["setTimeout", "clearTimeout"]);
}

/** @throws UsageError `INVALID_OPTION` unless `optionsOf` returned an object, or undefined */
function checkOptionsOf(
  name: string,
  options: unknown,
): asserts options is TopicOptions | undefined {
  if (options === undefined) return;
  const isPromise = isRecord(options) && "then" in options;
  if (isRecord(options) && !isPromise) return;
  // An unhandled rejection would end the process.
  if (isPromise) Promise.resolve(options).catch(() => {});
  const got = isPromise ? "a promise" : shown(options);
  throw new UsageError(
    "INVALID_OPTION",
    `Topics: optionsOf(${JSON.stringify(name)}) returned ${got}; return the options of a topic, or undefined`,
  );
}

type ErrorReport = (error: unknown, topic: string) => void;

/** Also writes each error to the debug log. */
function withDebugLog(report: ErrorReport): ErrorReport {
  if (!debugLog.isEnabled) return report;
  return (error, topic) => {
    debugLog.write(() => `topic ${quote(topic)} error goes to onError: ${describeError(error)}`);
    report(error, topic);
  };
}
