/// <reference lib="esnext.disposable" preserve="true" />
import { BrokerError, UsageError } from "../errors/index.ts";
import type { Broker } from "./broker.ts";
import { describeError } from "../errors/debug-log.ts";
import { quote } from "../errors/quote.ts";
import { debugLog } from "./debug-log.ts";
import { FeedRegistry, withEviction } from "./feed-registry.ts";
import { MemoryBroker } from "./memory-broker.ts";
import {
  checkFunction,
  checkMethods,
  checkOptions,
  checkWhole,
  DEFAULT_MAX_TOPICS,
  isObject,
  shown,
} from "./options.ts";
import { PresenceLeases } from "./presence-lease.ts";
import type { TopicData } from "./publication.ts";
import type { Content } from "./recent-publications.ts";
import { every, type Timers } from "./timers.ts";
import { type Topic, TopicHandle } from "./topic.ts";
import { resolveTopicOptions, type TopicOptions } from "./topic-options.ts";
import type { SharedMessage } from "./topic-socket.ts";
import type { TopicsEnvironment } from "./topics-environment.ts";

export interface TopicsOptions extends TopicOptions {
  /**
   * Stores the publications, and delivers them to all servers. `Topics` does not close it. Default: a
   * `MemoryBroker`, for one process.
   */
  readonly broker?: Broker;
  /**
   * Options of single topics, which override those given here for all topics. The same name must always
   * get the same options.
   */
  readonly optionsOf?: (topic: string) => TopicOptions | undefined;
  /**
   * `prepare` of `tideway/server`, if all subscribers are sockets of that server: each message to many
   * subscribers is then compressed and framed once. Default: each socket is sent text or bytes.
   */
  readonly prepare?: (data: TopicData) => SharedMessage;
  /**
   * The most topics with subscribers, and the most with members, on this server. One more rejects with
   * `TOPICS_FULL`. Without a `broker`, it is also the `maxTopics` of the `MemoryBroker`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long the broker may take to answer, in milliseconds. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /**
   * How long `publish` retries while the broker cannot be reached, in milliseconds. Default 10,000.
   */
  readonly publishTimeoutMs?: number;
  /**
   * The interval, in milliseconds, at which each server asks the broker whether it has missed something on
   * a topic without new publications, and who is present. A server stops listening to a topic without
   * subscribers after one to two intervals, or when there are more than 1,024 such topics. Default 30,000.
   */
  readonly checkIntervalMs?: number;
  /** How long a member stays present after its server has crashed, in milliseconds. Default 30,000. */
  readonly presenceTtlMs?: number;
  /** Called with errors of work in the background. Default: writes them to the console. */
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

const MAX_NAME_LENGTH = 256;

/**
 * The topics of one server.
 *
 * ```ts
 * const topics = new Topics({ historySize: 200 });
 * const room = topics.topic("rooms/1");
 * ```
 */
export class Topics implements AsyncDisposable {
  readonly #environment: TopicsEnvironment;
  readonly #feeds: FeedRegistry;
  readonly #leases: PresenceLeases;
  readonly #topicOptions: TopicOptions;
  readonly #optionsOf: (topic: string) => TopicOptions | undefined;
  /** The default broker, which `close` closes. */
  readonly #ownBroker: Broker | undefined;
  readonly #stopChecking: () => void;
  #isClosed = false;

  /** @throws UsageError `INVALID_OPTION` */
  constructor(options: TopicsOptions = {}) {
    checkTopicsOptions(options);
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
    resolveTopicOptions(topicOptions);
    this.#topicOptions = topicOptions;
    this.#optionsOf = optionsOf;
    this.#ownBroker = givenBroker === undefined ? new MemoryBroker({ maxTopics }) : undefined;
    this.#environment = {
      broker: withEviction(givenBroker ?? this.#ownBroker!, () => this.#feeds.evictIdle()),
      timers,
      requestTimeoutMs,
      publishTimeoutMs,
      presenceTtlMs,
      log: debugLog,
      share,
      report: withDebugLog(withoutThrowing(onError)),
      checkOpen: () => this.#checkOpen(),
    };
    this.#feeds = new FeedRegistry(this.#environment, maxTopics);
    this.#leases = new PresenceLeases(this.#environment, maxTopics);
    this.#stopChecking = every(timers, checkIntervalMs, () => this.#feeds.check());
  }

  /**
   * Returns the topic of this name. It keeps nothing for it, so you can call it for every message.
   *
   * @param name a well-formed text of 1 to 256 characters
   * @throws UsageError `INVALID_TOPIC`, see {@link isTopicName}
   * @throws UsageError `INVALID_OPTION` for what `optionsOf` returns
   */
  topic(name: string): Topic {
    if (!isTopicName(name)) {
      const got = typeof name === "string" ? `one of ${(name as string).length}` : shown(name);
      throw new UsageError(
        "INVALID_TOPIC",
        `the name of a topic is a well-formed text of 1 to ${MAX_NAME_LENGTH} characters, not ${got}`,
      );
    }
    const options: unknown = this.#optionsOf(name);
    checkOptionsOf(name, options);
    const settings = resolveTopicOptions({ ...this.#topicOptions, ...options });
    return new TopicHandle(name, settings, this.#environment, this.#feeds, this.#leases);
  }

  /**
   * Ends the work of this server on topics: its members leave, and sockets that are still subscribed are
   * closed with 1001. Call it after the server has stopped. A `broker` that was given stays open. Never
   * rejects; a second call has no effect.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopChecking();
    await this.#leases.leaveAll();
    await this.#feeds.close();
    await this.#ownBroker?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the topics were closed");
  }
}

/**
 * Whether `value` can be the name of a topic: a well-formed text of 1 to 256 characters. Check names that
 * clients send before you use them.
 */
export function isTopicName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= MAX_NAME_LENGTH &&
    !LONE_SURROGATE.test(value)
  );
}

// As UTF-8, a lone surrogate would be the same as U+FFFD.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws UsageError `INVALID_OPTION`; options of single topics are checked by `resolveTopicOptions` */
function checkTopicsOptions(options: TopicsOptions): void {
  checkOptions("topics", options);
  for (const name of NUMBERS) checkWhole("topics", name, options[name]);
  for (const name of FUNCTIONS) checkFunction("topics", name, options[name]);
  checkMethods("topics", "broker", options.broker, BROKER_METHODS);
  checkMethods("topics", "timers", options.timers, ["setTimeout", "clearTimeout"]);
}

/** @throws UsageError `INVALID_OPTION` unless `optionsOf` returned an object, or undefined */
function checkOptionsOf(
  name: string,
  options: unknown,
): asserts options is TopicOptions | undefined {
  if (options === undefined) return;
  const isPromise = isObject(options) && "then" in options;
  if (isObject(options) && !isPromise) return;
  // An unhandled rejection would end the process.
  if (isPromise) Promise.resolve(options).catch(() => {});
  const got = isPromise ? "a promise" : shown(options);
  throw new UsageError(
    "INVALID_OPTION",
    `topics: optionsOf(${JSON.stringify(name)}) returned ${got}; return the options of a topic, or undefined`,
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

/** Wraps `onError`: if it throws or rejects, both errors are printed. */
function withoutThrowing(
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
