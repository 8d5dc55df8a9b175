import { BrokerError, UsageError } from "../../errors/index.ts";
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
import { decodePlaced, encodePayload } from "../payload.ts";
import { DEFAULT_MAX_TOPICS, topicsFull } from "../topics-full.ts";
import { checkNames, checkWhole } from "../topic-options.ts";
import { readMembers, readPage, readReceipt, toBrokerError } from "./redis-answers.ts";
import { commandsOf, listenBeside, type RedisClient, type RedisListening } from "./redis-client.ts";
import { RedisScripts } from "./redis-scripts.ts";
import { ENTER, HISTORY, LEAVE, MEMBERS, PUBLISH } from "./scripts.ts";

export interface RedisBrokerOptions {
  /** What the names of all keys and channels begin with. Default `tideway:`. */
  readonly prefix?: string;
  /**
   * Vouches that Redis loses nothing it has acknowledged, even when it crashes: `appendfsync always`,
   * and no failover to a replica that may be behind. Then subscribers recover over a restart of
   * Redis. Default: false, every restart and every failover begins a new epoch, and so does every move
   * to another master of a cluster, and subscribers are told so.
   */
  readonly isDurable?: boolean;
  /**
   * The most topics that this process listens to. One more rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long the first connection may take. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

/** How long a topic that is out of use is kept beyond what its options ask for. */
const GRACE_MS = 60_000;

/**
 * A broker on Redis 6.2 or newer, or what is compatible, such as Valkey: a stream for each topic, and
 * publishing in one script. The client is yours, of the package `redis` or `ioredis`, and of one server
 * or a cluster; a connection like it is opened for what is published, and closed by `close`.
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
  readonly #prefix: string;
  readonly #checksRun: string;
  readonly #listening: RedisListening;
  readonly #maxTopics: number;
  readonly #listeners = new Map<string, Set<BrokerListener>>();
  /** Subscribing and its end, one after the other for each channel. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #subscribed = new Set<string>();
  #lastError: unknown;
  #isClosed = false;

  /**
   * Connects.
   *
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE` if Redis is not there within `connectTimeoutMs`
   */
  static async open(client: RedisClient, options: RedisBrokerOptions = {}): Promise<RedisBroker> {
    const broker = new RedisBroker(client, options);
    try {
      await broker.#connect(client, options.connectTimeoutMs ?? 5_000);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  private constructor(client: RedisClient, options: RedisBrokerOptions) {
    checkOptions(options);
    this.#scripts = new RedisScripts(commandsOf(client));
    this.#prefix = options.prefix ?? "tideway:";
    this.#maxTopics = options.maxTopics ?? DEFAULT_MAX_TOPICS;
    this.#checksRun = options.isDurable === true ? "0" : "1";
    this.#listening = listenBeside(client, {
      onMessage: (channel, message) => this.#onMessage(channel, message),
      onReconnected: () => this.#forAll((listener) => listener.onInterruption()),
      // Those who ask for something are told; this connection comes back by itself.
      onError: (error) => {
        this.#lastError = error;
      },
    });
    // Waited for in `#connect`.
    this.#listening.connected.catch(() => {});
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<PublishReceipt> {
    const payload = encodePayload(draft);
    const { size, bytes, ageMs, idWindowMs } = retention;
    const id = this.#key(topic, `id:${draft.id}`);
    const answer = await this.#run(
      PUBLISH,
      [this.#key(topic, "meta"), this.#key(topic, "log"), id],
      [payload, payload.length, size, bytes, ageMs, idWindowMs, metaTtlMs(retention)],
      [crypto.randomUUID(), this.#checksRun, this.#key(topic, "live")],
    );
    return readReceipt(answer);
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    const { since, limit } = query;
    const answer = await this.#run(
      HISTORY,
      [this.#key(topic, "meta"), this.#key(topic, "log")],
      [since === undefined ? "" : since.offset + 1, limit, retention.ageMs, metaTtlMs(retention)],
      [crypto.randomUUID(), this.#checksRun],
    );
    return readPage(answer, since === undefined);
  }

  async subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    this.#checkOpen();
    const channel = this.#key(topic, "live");
    const known = this.#listeners.get(channel);
    if (known === undefined && this.#listeners.size >= this.#maxTopics) {
      throw topicsFull(this.#maxTopics);
    }
    const listeners = known ?? new Set();
    this.#listeners.set(channel, listeners);
    // One more of the same would be no other in a set.
    const own: BrokerListener = {
      onPublication: (publication) => listener.onPublication(publication),
      onInterruption: () => listener.onInterruption(),
      onPresenceChange: () => listener.onPresenceChange(),
    };
    listeners.add(own);
    const stop = async (): Promise<void> => {
      listeners.delete(own);
      await this.#change(channel);
    };
    try {
      await this.#change(channel);
    } catch (error) {
      stop().catch(() => {});
      throw error;
    }
    return stop;
  }

  async enter(topic: string, { key, value }: PresenceEntry, ttlMs: number): Promise<void> {
    await this.#run(
      ENTER,
      this.#presenceKeys(topic),
      [key, value, ttlMs],
      [this.#key(topic, "live")],
    );
  }

  async leave(topic: string, key: string): Promise<void> {
    await this.#run(LEAVE, this.#presenceKeys(topic), [key, this.#key(topic, "live")]);
  }

  async members(topic: string): Promise<readonly PresenceEntry[]> {
    return readMembers(await this.#run(MEMBERS, this.#presenceKeys(topic)));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    this.#listening.close();
  }

  async #connect(client: RedisClient, timeoutMs: number): Promise<void> {
    let timer: unknown;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const cause =
          this.#lastError ?? new Error(`no answer within connectTimeoutMs ${timeoutMs}`);
        reject(toBrokerError(cause));
      }, timeoutMs);
    });
    try {
      const connecting = Promise.all([this.#listening.connected, commandsOf(client).call("PING")]);
      await Promise.race([connecting, timeout]);
    } catch (error) {
      throw toBrokerError(error);
    } finally {
      clearTimeout(timer as never);
    }
  }

  /** Subscribes, or no longer, as its listeners want it when it is a channel's turn. */
  #change(channel: string): Promise<unknown> {
    const before = this.#changes.get(channel) ?? Promise.resolve();
    const change = before.then(() => this.#applyChange(channel));
    const settled = change.catch(() => {});
    this.#changes.set(channel, settled);
    void settled.then(() => {
      if (this.#changes.get(channel) === settled) this.#changes.delete(channel);
    });
    return change;
  }

  async #applyChange(channel: string): Promise<void> {
    if (this.#isClosed) return;
    try {
      if ((this.#listeners.get(channel)?.size ?? 0) > 0) {
        if (!this.#subscribed.has(channel)) await this.#listening.subscribe(channel);
        this.#subscribed.add(channel);
      } else {
        this.#listeners.delete(channel);
        if (this.#subscribed.delete(channel)) await this.#listening.unsubscribe(channel);
      }
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  #onMessage(channel: string, message: string): void {
    const listeners = this.#listeners.get(channel) ?? [];
    const publication = decodePlaced(message);
    for (const listener of listeners) {
      if (message === "") listener.onPresenceChange();
      else if (publication !== undefined) listener.onPublication(publication);
      // It is missing, then, and that can be told at once.
      else listener.onInterruption();
    }
  }

  #forAll(tell: (listener: BrokerListener) => void): void {
    for (const listeners of this.#listeners.values()) listeners.forEach(tell);
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

  #presenceKeys(topic: string): readonly string[] {
    return [this.#key(topic, "ends"), this.#key(topic, "values")];
  }

  /** With the topic as the hash tag, in which there is neither a brace nor anything unprintable. */
  #key(topic: string, name: string): string {
    return `${this.#prefix}{${encodeURIComponent(topic)}}:${name}`;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the Redis broker was closed");
  }
}

function metaTtlMs({ ageMs, idWindowMs }: Retention): number {
  return Math.max(ageMs, idWindowMs) + GRACE_MS;
}

function checkOptions({
  prefix,
  isDurable,
  connectTimeoutMs,
  maxTopics,
  ...others
}: RedisBrokerOptions): void {
  checkNames("Redis", others, []);
  checkWhole("Redis", "connectTimeoutMs", connectTimeoutMs);
  checkWhole("Redis", "maxTopics", maxTopics);
  if (prefix !== undefined && (typeof prefix !== "string" || /[{}]/.test(prefix))) {
    throw new UsageError("INVALID_OPTION", "Redis: prefix is not a text without braces");
  }
  if (isDurable !== undefined && typeof isDurable !== "boolean") {
    throw new UsageError("INVALID_OPTION", "Redis: isDurable is not a boolean");
  }
}
