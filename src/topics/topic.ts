/// <reference lib="esnext.disposable" preserve="true" />
import { UsageError } from "../errors/index.ts";
import type { Feed } from "./feed.ts";
import { writeMember } from "./member.ts";
import type { TopicsEnvironment } from "./topics-environment.ts";
import type { Position } from "./position.ts";
import { type Presence, PresenceLease } from "./presence-lease.ts";
import { readMembers } from "./presence-view.ts";
import type { GapReason, HistoryPage, TopicData } from "./publication.ts";
import { publish, type PublishOptions, type Published } from "./publish.ts";
import { readHistory } from "./read-history.ts";
import { onEnd } from "./socket-end.ts";
import type { Member } from "./topic-message.ts";
import type { TopicSettings } from "./topic-options.ts";
import { socketOf, type TopicTarget } from "./topic-socket.ts";

export interface SubscribeOptions {
  /**
   * The subscriber's last position, as a position or as the text that the client sent. `null` and the
   * empty text mean none. Anything else gives `recovered: false` with the reason `invalid-position`.
   * Default: none, so that the subscriber starts with the next publication.
   */
  readonly since?: unknown;
}

/** A socket on a topic. It ends with the socket. */
export interface TopicSubscription extends Disposable {
  /** Every publication after this one is sent. */
  readonly position: Position;
  /** Whether `position` is what was given as `since`. */
  readonly recovered: boolean;
  /** Why it is not, where `recovered` is false. */
  readonly reason?: GapReason;
  /** Sends nothing any more. The socket stays open. */
  unsubscribe(): void;
}

export interface HistoryOptions {
  /** As for `subscribe`: reads forwards from there. Default: the latest publications are read. */
  readonly since?: unknown;
  /** The most publications to read. Default 100. */
  readonly limit?: number;
}

/** What a topic needs of the node it is on. */
export interface TopicHost {
  readonly context: TopicsEnvironment;
  readonly publishTimeoutMs: number;
  /** @throws BrokerError `BROKER_CLOSED` */
  checkOpen(): void;
  /** Runs `action` with this server's feed of a topic, open. @throws BrokerError */
  withFeed<T>(
    topic: string,
    settings: TopicSettings,
    action: (feed: Feed) => Promise<T>,
  ): Promise<T>;
  /** Keeps a lease on a topic until it ends. @throws BrokerError `TOPICS_FULL` */
  hold(topic: string, lease: PresenceLease): void;
  release(topic: string, lease: PresenceLease): void;
}

/**
 * A topic: its publications stand in one order for all nodes, and every subscriber gets each of them
 * once and in that order, or is told that it cannot.
 *
 * ```ts
 * const news = topics.topic("news");
 * await news.subscribe(socket, { since: url.searchParams.get("since") });
 * await news.publish("hello", { id: "a1" });
 * ```
 */
export class Topic {
  /** As given to `topics.topic`. */
  readonly name: string;
  readonly #host: TopicHost;
  readonly #settings: TopicSettings;

  constructor(name: string, host: TopicHost, settings: TopicSettings) {
    this.name = name;
    this.#host = host;
    this.#settings = settings;
  }

  /**
   * Publishes. Resolves once the broker has stored it: then every subscriber gets it, or is told.
   * While the broker is away it tries again, for up to `publishTimeoutMs`. When it rejects with a
   * BrokerError the publication may have been stored nevertheless: publish again with the same `id`.
   *
   * Publications stand in the order in which they reach the broker: to be sure of it, wait for one
   * before the next.
   *
   * @throws UsageError `INVALID_DATA`, `INVALID_ID`, `PUBLICATION_TOO_BIG`
   * @throws BrokerError
   */
  async publish(data: TopicData, options: PublishOptions = {}): Promise<Published> {
    this.#host.checkOpen();
    return publish(this.name, this.#host, this.#settings, data, options);
  }

  /**
   * Sends a socket the publications of this topic: those after `since`, or from now on, until it
   * ends. Resolves once the socket is on the topic; what it missed may still be on its way.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`, `INVALID_SOCKET`
   * @throws BrokerError if the broker has to be asked and cannot be; the socket has been sent nothing
   */
  async subscribe(target: TopicTarget, options: SubscribeOptions = {}): Promise<TopicSubscription> {
    this.#host.checkOpen();
    const socket = socketOf(target);
    const { subscriber, ...start } = await this.#host.withFeed(this.name, this.#settings, (feed) =>
      feed.subscribe(socket, options.since),
    );
    const unsubscribe = (): void => subscriber.end();
    return { ...start, unsubscribe, [Symbol.dispose]: unsubscribe };
  }

  /**
   * Reads publications that are kept. To go on from what was read, subscribe since its `position`.
   *
   * @throws UsageError `INVALID_LIMIT`
   * @throws BrokerError
   */
  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#host.checkOpen();
    return readHistory(this.name, this.#host.context, this.#settings, options);
  }

  /**
   * Makes somebody a member of this topic, until `leave` or the end of the socket. If this node
   * crashes, the member is gone after `presenceTtlMs`.
   *
   * @throws UsageError `NO_PRESENCE` if the topic's option `presence` is off
   * @throws UsageError `INVALID_MEMBER`, `INVALID_SOCKET`
   * @throws BrokerError
   */
  async enter(target: TopicTarget, member: Member): Promise<Presence> {
    this.#host.checkOpen();
    const socket = socketOf(target);
    if (!this.#settings.presence) {
      throw new UsageError(
        "NO_PRESENCE",
        `the topic ${this.name} has no presence; set presence: true in the options of Topics, or in optionsOf`,
      );
    }
    const entry = { key: crypto.randomUUID(), value: writeMember(member) };
    const lease: PresenceLease = new PresenceLease(this.#host.context, this.name, entry, () => {
      stopWatching();
      this.#host.release(this.name, lease);
    });
    this.#host.hold(this.name, lease);
    const stopWatching = onEnd(socket, () => void lease.leave());
    lease.start();
    try {
      await lease.enter();
    } catch (error) {
      // It may have been entered.
      void lease.leave();
      throw error;
    }
    return lease;
  }

  /** Who is present, on all nodes. @throws BrokerError */
  async members(): Promise<readonly Member[]> {
    this.#host.checkOpen();
    return [...(await readMembers(this.#host.context, this.name)).values()];
  }
}
