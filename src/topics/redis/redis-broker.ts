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
} from "tideway/topics";
import {
  checkBoolean,
  checkInteger,
  checkNames,
  checkRecord,
  invalidOption,
  shown,
} from "../../errors/check-options.ts";
import { BrokerError, UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { DEFAULT_MAX_TOPICS, hasMethod } from "../broker/check-options.ts";
import { debugLog } from "../broker/debug-log.ts";
import { encodeMessage, encodePayload } from "../broker/payload.ts";
import { settleWithin } from "../broker/timers.ts";
import {
  readMembers,
  readPage,
  readPublishAnswer,
  readTime,
  toBrokerError,
} from "./redis-answers.ts";
import {
  commandsOf,
  type IoRedisClient,
  type RedisClient,
  type RedisConnection,
} from "./redis-client.ts";
import { RedisClock } from "./redis-clock.ts";
import { RedisKeys } from "./redis-keys.ts";
import { listenBeside } from "./redis-listening.ts";
import {
  ENTER,
  HISTORY,
  LEAVE,
  MEMBERS,
  PUBLISH,
  RedisScripts,
  SEND,
  withShardedChannel,
} from "./redis-scripts.ts";
import { MESSAGE_MARK, RedisSubscriptions } from "./redis-subscriptions.ts";

/** Options of a {@link RedisBroker}. */
export interface RedisBrokerOptions {
  /** The prefix of all keys and channels, without braces. Default: `"tideway:"`. */
  readonly prefix?: string;
  /**
   * Whether Redis keeps all acknowledged writes, even in a crash. Set it to `true` only with
   * `appendfsync always`, and without failover to a replica that may be behind. After a restart of Redis,
   * subscribers then continue without a loss. With `false`, each restart, each failover, and each move of a
   * topic to another master of a cluster starts a new epoch, and subscribers get a notice of a loss. The same
   * happens when the first replica of a master connects, or has been away for an hour. Default: `false`.
   */
  readonly isDurable?: boolean;
  /**
   * Whether to deliver by sharded Pub/Sub (`SPUBLISH`), which needs Redis 7. Each master of a cluster then
   * delivers only its own topics, instead of every message of the cluster. All servers MUST have the same
   * value, because a server with another value misses the deliveries. Default: `false`.
   */
  readonly isSharded?: boolean;
  /**
   * The maximum number of topics that this process listens to. A call for a further topic rejects with
   * BrokerError `TOPICS_FULL`. An integer above 0. Default: 65,536.
   */
  readonly maxTopics?: number;
  /** How long the first connection may take to open, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number;
}

/** The scripts that publish to a channel, for sharded channels. */
const SHARDED = {
  PUBLISH: withShardedChannel(PUBLISH),
  SEND: withShardedChannel(SEND),
  ENTER: withShardedChannel(ENTER),
  LEAVE: withShardedChannel(LEAVE),
};

/** The time that Redis keeps an unused topic after its history and ids have expired. */
const GRACE_MS = 60_000;

/**
 * A broker on Redis 6.2 or newer, or a compatible server such as Valkey. It needs a client of the package
 * `redis` or `ioredis`, for one server or a cluster, which you create and close. The broker opens a second
 * connection to listen for publications, and closes it in `close`. If this connection is lost, or Redis does not
 * answer on it within about 15 seconds, the broker opens another one.
 *
 * Redis refuses a publication that arrives more than 30 seconds after `publish` was called, or half of `idWindowMs`
 * if that is shorter, but at least one second. `publish` then rejects with BrokerError `BROKER_UNAVAILABLE`. In a
 * cluster, the clocks of the masters MUST agree to within 20 seconds.
 *
 * Redis MUST NOT evict keys: use `maxmemory-policy noeviction`, the default.
 *
 * Each topic is a Redis stream. The keys of a topic expire one minute after its history and ids have expired.
 * Until then, only `maxmemory` limits the number of topics in Redis. In this process, the broker holds only
 * the topics that it listens to, at most `maxTopics`.
 *
 * @example
 * ```ts
 * const client = await createClient({ url: "redis://localhost" }).connect();
 * const topics = new Topics({ broker: await RedisBroker.open(client) });
 * ```
 */
export class RedisBroker implements Broker {
  readonly #scripts: RedisScripts;
  readonly #channels: RedisSubscriptions;
  readonly #keys: RedisKeys;
  /** The scripts that publish to a channel. */
  readonly #delivering: typeof SHARDED;
  /** A flag for the scripts: whether a restart or a failover of Redis starts another epoch. */
  readonly #checksReplid: "0" | "1";
  readonly #clock: RedisClock;
  /** Identifies this server in its volatile messages, with their number. */
  readonly #server = crypto.randomUUID();
  #messages = 0;
  #isClosed = false;

  /**
   * Opens a broker, and waits for its connection to Redis.
   *
   * @param client a connected client of the package `redis`, or a client of `ioredis` without `keyPrefix`
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE` if Redis cannot be reached, or does not answer within
   *   `connectTimeoutMs`
   */
  static async open(client: RedisClient, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
    checkClient(client);
    checkBrokerOptions(options);
    const commands = commandsOf(client);
    const { maxTopics = DEFAULT_MAX_TOPICS, connectTimeoutMs = 5_000, isSharded = false } = options;
    const channels = new RedisSubscriptions(
      (listener) => listenBeside(client, listener, isSharded),
      maxTopics,
      debugLog,
    );
    const clock = new RedisClock();
    try {
      clock.set(readTime(await connect(channels, commands, connectTimeoutMs)));
    } catch (error) {
      channels.close();
      throw error;
    }
    return new RedisBroker(commands, channels, clock, options);
  }

  private constructor(
    commands: RedisConnection,
    channels: RedisSubscriptions,
    clock: RedisClock,
    { prefix = "tideway:", isDurable = false, isSharded = false }: RedisBrokerOptions,
  ) {
    this.#delivering = isSharded ? SHARDED : { PUBLISH, SEND, ENTER, LEAVE };
    this.#scripts = new RedisScripts(commands);
    this.#channels = channels;
    this.#clock = clock;
    this.#keys = new RedisKeys(prefix);
    this.#checksReplid = isDurable ? "0" : "1";
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<BrokerPublishResult> {
    const payload = encodePayload(draft);
    const { size, bytes, ageMs, idWindowMs } = retention;
    const keys = [...this.#keys.log(topic), this.#keys.id(topic, draft.id)];
    const limits = [payload.length, size, bytes, ageMs, idWindowMs, metaTtlMs(retention)];
    const deliveryMs = maxDeliveryMs(retention);
    const untilMs = performance.now() + deliveryMs;
    for (;;) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw tooLate(deliveryMs);
      const answer = await this.#run(
        this.#delivering.PUBLISH,
        keys,
        [payload, ...limits],
        [crypto.randomUUID(), this.#checksReplid, this.#keys.channel(topic)],
        [this.#clock.in(leftMs)],
      );
      const { receipt, redisMs } = readPublishAnswer(answer);
      this.#clock.set(redisMs);
      if (receipt !== undefined) return receipt;
      // Redis has changed its clock, or the deadline was a time of another master.
    }
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    const { since, limit } = query;
    const answer = await this.#run(
      HISTORY,
      this.#keys.log(topic),
      [since === undefined ? "" : since.offset + 1, limit, retention.ageMs, metaTtlMs(retention)],
      [crypto.randomUUID(), this.#checksReplid],
    );
    return readPage(answer, since === undefined);
  }

  async subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    this.#checkOpen();
    return this.#channels.listen(this.#keys.channel(topic), listener);
  }

  async send(topic: string, message: VolatileMessage): Promise<void> {
    this.#checkOpen();
    const text = `${MESSAGE_MARK}${this.#server}:${++this.#messages} ${encodeMessage(message)}`;
    try {
      await this.#scripts.runInline(this.#delivering.SEND, [this.#keys.channel(topic)], [text]);
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  async enter(topic: string, { key, value }: PresenceEntry, ttlMs: number): Promise<void> {
    await this.#run(
      this.#delivering.ENTER,
      this.#keys.presence(topic),
      [key, value, ttlMs],
      [this.#keys.channel(topic)],
    );
  }

  async leave(topic: string, key: string): Promise<void> {
    const args = [key, this.#keys.channel(topic)];
    await this.#run(this.#delivering.LEAVE, this.#keys.presence(topic), args);
  }

  async members(topic: string): Promise<readonly PresenceEntry[]> {
    return readMembers(await this.#run(MEMBERS, this.#keys.presence(topic)));
  }

  /** Stops listening, and closes the connection for subscriptions. Does not close the client. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channels.close();
  }

  async #run(
    script: string,
    keys: readonly string[],
    ...args: readonly (readonly (string | number)[])[]
  ): Promise<unknown> {
    this.#checkOpen();
    try {
      return await this.#scripts.run(script, keys, args.flat().map(String));
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the RedisBroker is closed");
  }
}

/** Waits for both connections. Resolves with the answer to `TIME`. @throws BrokerError */
async function connect(
  channels: RedisSubscriptions,
  commands: RedisConnection,
  timeoutMs: number,
): Promise<unknown> {
  const toError = (): BrokerError =>
    toBrokerError(
      channels.lastError ?? new Error(`Redis did not answer within connectTimeoutMs ${timeoutMs}`),
    );
  try {
    const connecting = Promise.all([channels.connected, commands.call("TIME")]);
    const [, time] = await settleWithin(globalThis, timeoutMs, connecting, toError);
    return time;
  } catch (error) {
    throw toBrokerError(error);
  }
}

/**
 * How long a publication may take to reach Redis. A client or the network may deliver it after any time, but a
 * repeated publication must arrive while Redis knows its id.
 */
function maxDeliveryMs({ idWindowMs }: Retention): number {
  return Math.min(30_000, Math.max(1_000, idWindowMs / 2));
}

function tooLate(deliveryMs: number): BrokerError {
  return new BrokerError(
    "BROKER_UNAVAILABLE",
    `the publication reached Redis more than ${deliveryMs} ms after it was sent, and is not stored`,
  );
}

function metaTtlMs({ ageMs, idWindowMs }: Retention): number {
  return Math.max(ageMs, idWindowMs) + GRACE_MS;
}

/** @throws UsageError `INVALID_OPTION` */
function checkClient(client: unknown): void {
  const isIoRedis = hasMethod(client, "call");
  if (!isIoRedis && !hasMethod(client, "sendCommand")) {
    throw new UsageError(
      "INVALID_OPTION",
      `RedisBroker.open: the client is ${shown(client)}; pass a client of the package redis or ioredis`,
    );
  }
  const { keyPrefix } = Object((client as IoRedisClient).options) as { keyPrefix?: string };
  // `redis` leaves the commands of the broker unchanged. `ioredis` adds the prefix to the keys of scripts, but not to
  // the channels.
  if (!isIoRedis || !keyPrefix) return;
  throw new UsageError(
    "INVALID_OPTION",
    `RedisBroker.open: the client has the keyPrefix ${quote(`${keyPrefix}`)}, which ioredis does not add to channels; pass a client without keyPrefix, such as client.duplicate({ keyPrefix: "" }), and the option prefix`,
  );
}

/** @throws UsageError `INVALID_OPTION` */
function checkBrokerOptions(options: RedisBrokerOptions): void {
  checkRecord("RedisBroker", options);
  checkNames("RedisBroker", options, [
    "prefix",
    "isDurable",
    "isSharded",
    "connectTimeoutMs",
    "maxTopics",
  ]);
  const { prefix, isDurable, isSharded, connectTimeoutMs, maxTopics } = options;
  checkInteger("RedisBroker", "connectTimeoutMs", connectTimeoutMs);
  checkInteger("RedisBroker", "maxTopics", maxTopics);
  checkBoolean("RedisBroker", "isDurable", isDurable);
  checkBoolean("RedisBroker", "isSharded", isSharded);
  if (prefix === undefined || (typeof prefix === "string" && !/[{}]/.test(prefix))) return;
  throw invalidOption("RedisBroker", "prefix", prefix, "a string without braces");
}
