import { BrokerError, UsageError } from "../errors/index.ts";
import type { BrokerPage } from "./broker.ts";
import { BrokerFollower, type FollowerListener } from "./broker-follower.ts";
import { isNoPosition, isSamePosition, type Position, readPosition } from "./position.ts";
import { PresenceView } from "./presence-view.ts";
import type { GapReason, Publication, TopicData } from "./publication.ts";
import { type Prepared, RecentPublications } from "./recent-publications.ts";
import { consecutiveAfter, findGap } from "./recovery.ts";
import { Subscriber, type SubscriberSource } from "./subscriber.ts";
import { TopicEncoder } from "./topic-encoder.ts";
import type { TopicMessage } from "./topic-message.ts";
import type { TopicSettings } from "./topic-options.ts";
import type { TopicSocket } from "./topic-socket.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** The maximum number of publications in one read for a subscriber that is behind. It keeps them in memory. */
const SUBSCRIBER_PAGE_SIZE = 32;

/** RFC 6455 7.4.1: an endpoint is going away. */
const GOING_AWAY = 1001;

/** The position at which a subscriber starts, and why it differs from the requested one. */
export interface SubscriberStart {
  readonly position: Position;
  readonly recovered: boolean;
  readonly reason?: GapReason;
}

/**
 * The subscribers to one topic on this server. They share one subscription at the broker, one encoder, and
 * the latest publications in memory. Each subscriber gets every publication once and in order, or a notice
 * of a loss.
 */
export class Feed implements FollowerListener, SubscriberSource {
  readonly name: string;
  readonly #environment: TopicsEnvironment;
  readonly #onEmpty: () => void;
  readonly #follower: BrokerFollower;
  readonly #encoder: TopicEncoder;
  readonly #presence: PresenceView | undefined;
  readonly #recent = new RecentPublications();
  readonly #subscribers = new Map<TopicSocket, Subscriber>();
  /** Sockets that wait for their first position. */
  readonly #starting = new Set<TopicSocket>();

  /** @param onEmpty called after the last subscriber has ended */
  constructor(
    name: string,
    environment: TopicsEnvironment,
    settings: TopicSettings,
    onEmpty: () => void,
  ) {
    this.name = name;
    this.#environment = environment;
    this.#onEmpty = onEmpty;
    this.#follower = new BrokerFollower(name, environment, settings.retention, this);
    this.#encoder = new TopicEncoder(name, settings.encode, environment);
    if (settings.presence) this.#presence = new PresenceView(name, environment, this.#notifyAll);
  }

  get position(): Position {
    return this.#follower.position;
  }

  get hasPresence(): boolean {
    return this.#presence !== undefined;
  }

  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Starts to follow the broker. Call it once. @throws BrokerError, after closing the feed */
  async open(): Promise<void> {
    try {
      this.#keepRecent(await this.#follower.open());
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.#presence?.refresh();
    if (this.#follower.isClosed) throw closed();
    this.#follower.start();
  }

  /**
   * Sends a socket every publication after `since`, or every new one.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`
   * @throws BrokerError if only the broker knows the publications after `since`, and it does not answer
   */
  async subscribe(
    socket: TopicSocket,
    since: unknown,
  ): Promise<SubscriberStart & { subscriber: Subscriber }> {
    if (this.#subscribers.has(socket) || this.#starting.has(socket)) {
      throw new UsageError(
        "ALREADY_SUBSCRIBED",
        `the socket is already subscribed to the topic ${JSON.stringify(this.name)}; call unsubscribe first`,
      );
    }
    this.#starting.add(socket);
    let start: SubscriberStart;
    try {
      start = await this.#findStart(since);
    } finally {
      this.#starting.delete(socket);
    }
    if (this.#follower.isClosed) throw closed();
    const subscriber = new Subscriber(socket, this, start.position);
    this.#subscribers.set(socket, subscriber);
    subscriber.start(
      this.#encoder.encodeNotice({ type: "subscribed", topic: this.name, ...start }),
    );
    return { ...start, subscriber };
  }

  /** Reads publications and presence changes that the broker has not delivered. Call it at intervals. */
  check(): void {
    this.#follower.check();
    void this.#presence?.refresh();
  }

  /** Stops following the broker, and closes the sockets that are still subscribed. */
  async close(): Promise<void> {
    const closing = this.#follower.close();
    for (const [socket, subscriber] of this.#subscribers) {
      subscriber.end();
      socket.close(GOING_AWAY, "the topic was closed");
    }
    await closing;
  }

  onPublication(publication: Publication): void {
    const prepared = this.#encoder.prepare(publication);
    if (prepared === undefined) {
      this.onLoss(publication.position, "missing");
      return;
    }
    this.#recent.add(prepared);
    for (const subscriber of this.#subscribers.values()) subscriber.offer(prepared);
  }

  onLoss(position: Position, reason: GapReason): void {
    this.#recent.clear();
    const notice = this.encodeLost(position, reason);
    for (const subscriber of this.#subscribers.values()) subscriber.skipTo(position, notice);
  }

  onPresenceChange(): void {
    void this.#presence?.refresh();
  }

  next({ epoch, offset }: Position): Prepared | undefined {
    return epoch === this.position.epoch ? this.#recent.get(offset + 1) : undefined;
  }

  async readAfter(position: Position): Promise<readonly Prepared[] | GapReason> {
    const page = await this.#follower.readAfter(position, SUBSCRIBER_PAGE_SIZE);
    if (page === undefined) return [];
    const reason = findGap(position, page);
    if (reason !== undefined) return reason;
    const prepared = this.#encoder.prepareAll(consecutiveAfter(position, page));
    return prepared.length === 0 ? "missing" : prepared;
  }

  encodeLost(position: Position, reason: GapReason): TopicData | undefined {
    return this.#encoder.encodeNotice({ type: "lost", topic: this.name, position, reason });
  }

  encodeMembers(): TopicData | undefined {
    const members = this.#presence?.members ?? [];
    return this.#encoder.encodeNotice({ type: "members", topic: this.name, members });
  }

  remove({ socket }: Subscriber): void {
    if (this.#subscribers.delete(socket) && this.#subscribers.size === 0) this.#onEmpty();
  }

  async #findStart(since: unknown): Promise<SubscriberStart> {
    if (isNoPosition(since)) return this.#startNow("no-position");
    const position = readPosition(since);
    if (position === undefined) return this.#startNow("invalid-position");
    if (!this.#isInMemory(position)) {
      // The client may have got later publications from another server.
      await withTimeout(this.#environment, this.#follower.refresh());
      if (!this.#isInMemory(position)) {
        const reason = await this.#follower.findGapAfter(position);
        if (reason !== undefined) return this.#startNow(reason);
      }
    }
    return { position, recovered: true };
  }

  #startNow(reason: GapReason): SubscriberStart {
    return { position: this.position, recovered: false, reason };
  }

  #isInMemory(position: Position): boolean {
    return isSamePosition(position, this.position) || this.next(position) !== undefined;
  }

  /** Keeps a page in memory if it ends with the last publication of the topic and has no gap. */
  #keepRecent({ position, publications }: BrokerPage): void {
    const before = { ...position, offset: position.offset - publications.length };
    const prepared = this.#encoder.prepareAll(consecutiveAfter(before, { position, publications }));
    if (prepared.length < publications.length) return;
    for (const one of prepared) this.#recent.add(one);
  }

  readonly #notifyAll = (message: TopicMessage): void => {
    const content = this.#encoder.prepareNotice(message);
    if (content === undefined) return;
    for (const subscriber of this.#subscribers.values()) subscriber.notify(content);
  };
}

function closed(): BrokerError {
  return new BrokerError("BROKER_CLOSED", "this Topics object is closed");
}
