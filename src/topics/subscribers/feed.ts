import { CloseCode } from "../../errors/close-code.ts";
import { BrokerError, UsageError } from "../../errors/index.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { Position } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";
import { consecutiveAfter, findGap } from "../broker/recovery.ts";
import { RecentPublications } from "../messages/recent-publications.ts";
import { TopicEncoder } from "../messages/topic-encoder.ts";
import type { EncodeTopicMessage, Member, TopicMessage } from "../messages/topic-message.ts";
import type { TopicSettings } from "../messages/topic-options.ts";
import type { TopicSocket } from "../messages/topic-socket.ts";
import type { TopicsEnvironment } from "../messages/topics-environment.ts";
import { PresenceView } from "../presence/presence-view.ts";
import { BrokerFollower, type FollowerListener } from "./broker-follower.ts";
import { type GroupSource, SubscriberGroup } from "./subscriber-group.ts";
import { StartFinder, type SubscriberStart } from "./subscriber-start.ts";
import { Subscription } from "./subscription.ts";

/**
 * The maximum number of publications in one read for a subscriber that is behind, which keeps them in memory.
 */
const SUBSCRIBER_PAGE_SIZE = 32;

/** The options of one subscriber. */
export interface FeedOptions {
  readonly since?: unknown;
  readonly last?: number | undefined;
  readonly encode?: EncodeTopicMessage | undefined;
  readonly members?: boolean | undefined;
}

/**
 * The subscribers to one topic on this server. They share one subscription at the broker, and the latest
 * publications in memory. Subscribers with the same encoder share the encoded messages. Each subscriber gets
 * every publication once and in order, or a notice of a loss.
 */
export class Feed implements FollowerListener, GroupSource {
  readonly name: string;
  readonly recent: RecentPublications = new RecentPublications();
  readonly #environment: TopicsEnvironment;
  readonly #settings: TopicSettings;
  readonly #onEmpty: () => void;
  readonly #follower: BrokerFollower;
  readonly #starts: StartFinder;
  /** The groups that have subscribers, by their encoders. */
  readonly #groups = new Map<EncodeTopicMessage, SubscriberGroup>();
  /** Sockets that wait for their first position. */
  readonly #starting = new Set<TopicSocket>();
  #presence: PresenceView | undefined;
  /** The first read of the members, which the subscribers that arrive during it share. */
  #loadingMembers: Promise<void> | undefined;

  /** @param onEmpty called after the last subscriber has ended */
  constructor(
    name: string,
    environment: TopicsEnvironment,
    settings: TopicSettings,
    onEmpty: () => void,
  ) {
    const { retention } = settings;
    this.name = name;
    this.#environment = environment;
    this.#settings = settings;
    this.#onEmpty = onEmpty;
    this.#follower = new BrokerFollower(name, environment, retention, this);
    this.#starts = new StartFinder(environment, this.#follower, this.recent, retention);
  }

  get position(): Position {
    return this.#follower.position;
  }

  get hasPresence(): boolean {
    return this.#settings.presence;
  }

  get members(): readonly Member[] {
    return this.#presence?.members ?? [];
  }

  get hasSubscribers(): boolean {
    return this.#groups.size > 0;
  }

  /** Starts to follow the broker. Call it once. If it fails, it closes the feed. @throws BrokerError */
  async open(): Promise<void> {
    try {
      await this.#follower.open();
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#follower.isClosed) throw closed();
    this.#follower.start();
  }

  /**
   * Subscribes a socket to every publication after a position, or to every new publication.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`
   * @throws BrokerError if the publications after `since` are not in memory, and the broker does not answer
   */
  async subscribe(
    socket: TopicSocket,
    { since, last = 0, encode = this.#settings.encode, members = true }: FeedOptions,
  ): Promise<Subscription> {
    if (this.#isSubscribed(socket)) {
      throw new UsageError(
        "ALREADY_SUBSCRIBED",
        `the socket is already subscribed to the topic ${JSON.stringify(this.name)}; call unsubscribe first`,
      );
    }
    this.#starting.add(socket);
    let start: SubscriberStart;
    try {
      if (members && this.hasPresence) await this.#loadMembers();
      start = await this.#starts.find(since, last);
    } finally {
      this.#starting.delete(socket);
    }
    if (this.#follower.isClosed) throw closed();
    return new Subscription(start, this.#groupOf(encode).add(socket, start, members));
  }

  /** Reads publications and presence changes that the broker has not delivered. Call it at intervals. */
  check(): void {
    this.#follower.check();
    void this.#presence?.refresh();
  }

  /** Ends the subscription of a socket, if there is one. */
  unsubscribe(socket: TopicSocket): void {
    for (const group of this.#groups.values()) group.end(socket);
  }

  /** Stops following the broker, and closes the sockets that are still subscribed. */
  async close(): Promise<void> {
    const closing = this.#follower.close();
    for (const group of this.#groups.values())
      group.close(CloseCode.GoingAway, "the topic was closed");
    await closing;
  }

  onPublication(publication: Publication): void {
    const recent = this.recent.add(publication);
    for (const group of this.#groups.values()) group.offer(recent);
  }

  onLoss(position: Position, reason: LossReason): void {
    this.recent.clear();
    this.#starts.onLoss();
    for (const group of this.#groups.values()) group.skipTo(position, reason);
  }

  onPresenceChange(): void {
    void this.#presence?.refresh();
  }

  async readPublications(
    position: Position,
  ): Promise<readonly Publication[] | LossReason | undefined> {
    const page = await this.#follower.readAfter(position, SUBSCRIBER_PAGE_SIZE);
    return page && (findGap(position, page) ?? consecutiveAfter(position, page));
  }

  removeGroup(group: SubscriberGroup): void {
    this.#groups.delete(group.encoder.encode);
    if (this.#groups.size === 0) this.#onEmpty();
  }

  #isSubscribed(socket: TopicSocket): boolean {
    if (this.#starting.has(socket)) return true;
    for (const group of this.#groups.values()) if (group.has(socket)) return true;
    return false;
  }

  #groupOf(encode: EncodeTopicMessage): SubscriberGroup {
    const known = this.#groups.get(encode);
    if (known !== undefined) return known;
    const group = new SubscriberGroup(this, new TopicEncoder(this.name, encode, this.#environment));
    this.#groups.set(encode, group);
    return group;
  }

  /**
   * Reads the members, unless they were read before. If that fails, it reports the error, and subscribers get a
   * join for each member after a later read.
   */
  #loadMembers(): Promise<void> {
    const isUsed = (): boolean => !this.#follower.isClosed;
    this.#presence ??= new PresenceView(this.name, this.#environment, this.#notifyAll, isUsed);
    this.#loadingMembers ??= this.#presence
      .load()
      .catch((error: unknown) => this.#environment.report(error, this.name))
      .finally(() => (this.#loadingMembers = undefined));
    return this.#loadingMembers;
  }

  readonly #notifyAll = (message: TopicMessage): void => {
    for (const group of this.#groups.values()) group.notify(message);
  };
}

function closed(): BrokerError {
  return new BrokerError("BROKER_CLOSED", "this Topics object is closed");
}
