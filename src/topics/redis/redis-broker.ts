import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  PublishReceipt,
  Retention,
} from "tideway/topics";
import { BrokerError, UsageError } from "../../errors/index.ts";
import { debugLog } from "../debug-log.ts";
import {
  checkBoolean,
  checkNames,
  checkOptions,
  checkWhole,
  DEFAULT_MAX_TOPICS,
  hasMethod,
  invalidOption,
  shown,
} from "../options.ts";
import { encodePayload } from "../payload.ts";
import { readMembers, readPage, readReceipt, toBrokerError } from "./redis-answers.ts";
import { RedisSubscriptions } from "./redis-subscriptions.ts";
import { commandsOf, type RedisClient, type RedisConnection } from "./redis-client.ts";
import { RedisKeys } from "./redis-keys.ts";
import { listenBeside } from "./redis-listening.ts";
import { ENTER, HISTORY, LEAVE, MEMBERS, PUBLISH, RedisScripts } from "./redis-scripts.ts";

export interface RedisBrokerOptions {
  /** The beginning of the names of all keys and channels; no braces. Default `tideway:`. */
  readonly prefix?: string;
  /**
   * Set to true only if Redis loses nothing that it has acknowledged, even in a crash: `appendfsync always`,
   * and no failover to a replica that may be behind. Subscribers then recover over a restart of Redis.
   * Default: false. Each restart, each failover, and each move of a topic to another master of a cluster
   * then begins a new epoch, and subscribers are told that publications may be lost.
   */
  readonly isDurable?: boolean;
  /**
   * The most topics that this process listens to. One more rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long the first connection may take, in milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

/** How long an unused topic is kept beyond what its options ask for. */
const GRACE_MS = 60_000;

/**
 * A broker on Redis 6.2 or newer, or a compatible server such as Valkey. It uses a stream for each topic,
 * and publishes in one script. You create the client, of the package `redis` or `ioredis`, for one server
 * or a cluster, and close it yourself. The broker opens another connection like it to listen for
 * publications, which `close` closes.
 *
 * ```ts
 * const client = await createClient({ url: "redis://localhost" }).connect();
 * const topics = new Topics({ broker: await RedisBroker.open(client) });
 * ```
 *
 * Redis MUST NOT evict keys (`maxmemory-policy noeviction`, the default).
 *
 * In this process it holds nothing for a topic that it does not listen to. In Redis, the keys of a topic
 * expire a minute after its history and ids. Until then only `maxmemory` bounds their number.
 */
export class RedisBroker implements Broker {
  readonly #scripts: RedisScripts;
  readonly #channels: RedisSubscriptions;
  readonly #keys: RedisKeys;
  /** The scripts' flag: whether a new run id of Redis begins another epoch. */
  readonly #checksRun: "0" | "1";
  #isClosed = false;

  /**
   * Opens a broker, and waits until it is connected.
   *
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE` if Redis does not answer within `connectTimeoutMs`
   */
  static async open(client: RedisClient, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
    checkClient(client);
    checkBrokerOptions(options);
    const commands = commandsOf(client);
    const { maxTopics = DEFAULT_MAX_TOPICS, connectTimeoutMs = 5_000 } = options;
    const channels = new RedisSubscriptions(
      (listener) => listenBeside(client, listener),
      maxTopics,
      debugLog,
    );
    try {
      await connect(channels, commands, connectTimeoutMs);
    } catch (error) {
      channels.close();
      throw error;
    }
    return new RedisBroker(commands, channels, options);
  }

  private constructor(
    commands: RedisConnection,
    channels: RedisSubscriptions,
    { prefix = "tideway:", isDurable = false }: RedisBrokerOptions,
  ) {
    this.#scripts = new RedisScripts(commands);
    this.#channels = channels;
    this.#keys = new RedisKeys(prefix);
    this.#checksRun = isDurable ? "0" : "1";
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<PublishReceipt> {
    const payload = encodePayload(draft);
    const { size, bytes, ageMs, idWindowMs } = retention;
    const answer = await this.#run(
      PUBLISH,
      [...this.#keys.log(topic), this.#keys.id(topic, draft.id)],
      [payload, payload.length, size, bytes, ageMs, idWindowMs, metaTtlMs(retention)],
      [crypto.randomUUID(), this.#checksRun, this.#keys.channel(topic)],
    );
    return readReceipt(answer);
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    const { since, limit } = query;
    const answer = await this.#run(
      HISTORY,
      this.#keys.log(topic),
      [since === undefined ? "" : since.offset + 1, limit, retention.ageMs, metaTtlMs(retention)],
      [crypto.randomUUID(), this.#checksRun],
    );
    return readPage(answer, since === undefined);
  }

  async subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    this.#checkOpen();
    return this.#channels.listen(this.#keys.channel(topic), listener);
  }

  async enter(topic: string, { key, value }: PresenceEntry, ttlMs: number): Promise<void> {
    await this.#run(
      ENTER,
      this.#keys.presence(topic),
      [key, value, ttlMs],
      [this.#keys.channel(topic)],
    );
  }

  async leave(topic: string, key: string): Promise<void> {
    await this.#run(LEAVE, this.#keys.presence(topic), [key, this.#keys.channel(topic)]);
  }

  async members(topic: string): Promise<readonly PresenceEntry[]> {
    return readMembers(await this.#run(MEMBERS, this.#keys.presence(topic)));
  }

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
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the Redis broker was closed");
  }
}

async function connect(
  channels: RedisSubscriptions,
  commands: RedisConnection,
  timeoutMs: number,
): Promise<void> {
  let timer: unknown;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause =
        channels.lastError ?? new Error(`no answer within connectTimeoutMs ${timeoutMs}`);
      reject(toBrokerError(cause));
    }, timeoutMs);
  });
  try {
    const connecting = Promise.all([channels.connected, commands.call("PING")]);
    await Promise.race([connecting, timeout]);
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    clearTimeout(timer as never);
  }
}

function metaTtlMs({ ageMs, idWindowMs }: Retention): number {
  return Math.max(ageMs, idWindowMs) + GRACE_MS;
}

/** @throws UsageError `INVALID_OPTION` */
function checkClient(client: unknown): void {
  if (["call", "sendCommand"].some((method) => hasMethod(client, method))) return;
  throw new UsageError(
    "INVALID_OPTION",
    `RedisBroker.open: ${shown(client)} is not a client; pass one of the package redis or ioredis`,
  );
}

/** @throws UsageError `INVALID_OPTION` */
function checkBrokerOptions(options: RedisBrokerOptions): void {
  checkOptions("Redis", options);
  checkNames("Redis", options, ["prefix", "isDurable", "connectTimeoutMs", "maxTopics"]);
  const { prefix, isDurable, connectTimeoutMs, maxTopics } = options;
  checkWhole("Redis", "connectTimeoutMs", connectTimeoutMs);
  checkWhole("Redis", "maxTopics", maxTopics);
  checkBoolean("Redis", "isDurable", isDurable);
  if (prefix === undefined || (typeof prefix === "string" && !/[{}]/.test(prefix))) return;
  throw invalidOption("Redis", "prefix", prefix, "a text without braces");
}
