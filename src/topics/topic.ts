/// <reference lib="esnext.disposable" preserve="true" />
import { UsageError } from "../errors/index.ts";
import type { BrokerPage } from "./broker.ts";
import type { FeedRegistry } from "./feed-registry.ts";
import { writeMember } from "./member.ts";
import { checkOptions, shown } from "./options.ts";
import { isNoPosition, type Position, readPosition } from "./position.ts";
import type { Presence, PresenceLeases } from "./presence-lease.ts";
import { readMembers } from "./presence-view.ts";
import type { GapReason, HistoryPage, TopicData } from "./publication.ts";
import { publish, type PublishOptions, type Published } from "./publish.ts";
import { consecutiveAfter, findGap } from "./recovery.ts";
import type { Member } from "./topic-message.ts";
import type { TopicSettings } from "./topic-options.ts";
import { socketOf, type TopicTarget } from "./topic-socket.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

export interface SubscribeOptions {
  /**
   * The last position of the subscriber, as a position or as the text that the client sent. `null` and
   * the empty text mean that there is none. Any other value gives `recovered: false` with the reason
   * `invalid-position`. Default: none, so the subscriber starts with the next publication.
   */
  readonly since?: unknown;
}

/** The subscription of a socket to a topic. It ends with the socket. */
export interface TopicSubscription extends Disposable {
  /** Every publication after this position is sent. */
  readonly position: Position;
  /** Whether `position` is the one given as `since`. */
  readonly recovered: boolean;
  /** Why `recovered` is false. */
  readonly reason?: GapReason;
  /** Ends the subscription: nothing more is sent. The socket stays open. */
  unsubscribe(): void;
}

export interface HistoryOptions {
  /**
   * As for `subscribe`: reads the publications after this position. Default: none, which reads the latest
   * publications.
   */
  readonly since?: unknown;
  /** The most publications to read; 0 reads only the position. Default 100. */
  readonly limit?: number;
}

/**
 * A topic: a named sequence of publications, in the same order for all servers. Each subscriber gets each
 * publication once and in that order, or is told that some were lost. `topics.topic(name)` returns it.
 *
 * ```ts
 * const news = topics.topic("news");
 * await news.subscribe(socket, { since: url.searchParams.get("since") });
 * await news.publish("hello", { id: "a1" });
 * ```
 */
export interface Topic {
  /** The name given to `topics.topic`. */
  readonly name: string;

  /**
   * Publishes. Resolves when the broker has stored the publication; every subscriber then gets it, or is
   * told of a loss. While the broker cannot be reached, it retries for up to `publishTimeoutMs`. When it
   * rejects with a `BrokerError`, the publication may have been stored: publish again with the same `id`.
   *
   * The order is that in which publications reach the broker. To be sure of it, await one before you
   * publish the next.
   *
   * @throws UsageError `INVALID_DATA`, `INVALID_ID`, `INVALID_OPTION`, `PUBLICATION_TOO_BIG`
   * @throws BrokerError
   */
  publish(data: TopicData, options?: PublishOptions): Promise<Published>;

  /**
   * Sends a socket every publication after `since`, or every later one. Resolves when the socket is
   * subscribed; publications that it missed may still be on their way.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`, `INVALID_OPTION`, `INVALID_SOCKET`
   * @throws BrokerError if the broker must be asked and does not answer; nothing was sent
   */
  subscribe(target: TopicTarget, options?: SubscribeOptions): Promise<TopicSubscription>;

  /**
   * Reads publications from the history. To continue after them, subscribe with the page's `position` as
   * `since`.
   *
   * @throws UsageError `INVALID_LIMIT`, `INVALID_OPTION`
   * @throws BrokerError
   */
  history(options?: HistoryOptions): Promise<HistoryPage>;

  /**
   * Adds a member to this topic, until `leave` or the end of the socket. If this server crashes, the
   * member is removed after `presenceTtlMs`.
   *
   * @throws UsageError `NO_PRESENCE` if the topic's option `presence` is off
   * @throws UsageError `INVALID_MEMBER`, `INVALID_SOCKET`
   * @throws BrokerError
   */
  enter(target: TopicTarget, member: Member): Promise<Presence>;

  /** Reads the members that are present, on all servers. @throws BrokerError */
  members(): Promise<readonly Member[]>;
}

/** The `Topic` of `Topics`. */
export class TopicHandle implements Topic {
  readonly name: string;
  readonly #settings: TopicSettings;
  readonly #environment: TopicsEnvironment;
  readonly #feeds: FeedRegistry;
  readonly #leases: PresenceLeases;

  constructor(
    name: string,
    settings: TopicSettings,
    environment: TopicsEnvironment,
    feeds: FeedRegistry,
    leases: PresenceLeases,
  ) {
    this.name = name;
    this.#settings = settings;
    this.#environment = environment;
    this.#feeds = feeds;
    this.#leases = leases;
  }

  async publish(data: TopicData, options: PublishOptions = {}): Promise<Published> {
    this.#environment.checkOpen();
    checkOptions("publish", options);
    return publish(this.name, this.#environment, this.#settings, data, options.id);
  }

  async subscribe(target: TopicTarget, options: SubscribeOptions = {}): Promise<TopicSubscription> {
    this.#environment.checkOpen();
    const socket = socketOf(target);
    checkOptions("subscribe", options);
    const { subscriber, ...start } = await this.#feeds.use(this.name, this.#settings, (feed) =>
      feed.subscribe(socket, options.since),
    );
    const unsubscribe = (): void => subscriber.end();
    return { ...start, unsubscribe, [Symbol.dispose]: unsubscribe };
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#environment.checkOpen();
    checkOptions("history", options);
    const { limit = 100, since } = options;
    if (!Number.isSafeInteger(limit) || limit < 0) {
      throw new UsageError(
        "INVALID_LIMIT",
        `limit ${shown(limit)} is not a whole number from 0 on`,
      );
    }
    const position = readPosition(since);
    if (position !== undefined) return this.#readAfter(position, limit);
    const page = await this.#readPage(undefined, limit);
    if (isNoPosition(since)) return notRecovered(page, "no-position", page.publications);
    return notRecovered(page, "invalid-position", []);
  }

  async enter(target: TopicTarget, member: Member): Promise<Presence> {
    this.#environment.checkOpen();
    const socket = socketOf(target);
    if (!this.#settings.presence) {
      throw new UsageError(
        "NO_PRESENCE",
        `the topic ${this.name} has no presence; set presence: true in the options of Topics, or in optionsOf`,
      );
    }
    return this.#leases.enter(this.name, writeMember(member), socket);
  }

  async members(): Promise<readonly Member[]> {
    this.#environment.checkOpen();
    return [...(await readMembers(this.#environment, this.name)).values()];
  }

  async #readAfter(position: Position, limit: number): Promise<HistoryPage> {
    // With limit 0 too, only the next publication shows whether one is missing.
    const page = await this.#readPage(position, Math.max(1, limit));
    const reason = findGap(position, page);
    if (reason !== undefined) return notRecovered(page, reason, []);
    const publications = consecutiveAfter(position, page).slice(0, limit);
    return { position: page.position, recovered: true, publications };
  }

  #readPage(since: Position | undefined, limit: number): Promise<BrokerPage> {
    const query = since === undefined ? { limit } : { since, limit };
    const { broker } = this.#environment;
    const reading = broker.history(this.name, query, this.#settings.retention);
    return withTimeout(this.#environment, reading);
  }
}

function notRecovered(
  { position }: BrokerPage,
  reason: GapReason,
  publications: HistoryPage["publications"],
): HistoryPage {
  return { position, recovered: false, reason, publications };
}
