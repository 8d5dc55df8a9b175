/// <reference lib="esnext.disposable" preserve="true" />
import { checkInteger, checkRecord, invalidOption } from "../errors/check-options.ts";
import { UsageError } from "../errors/index.ts";
import type { LossReason } from "../topic-names/loss-reason.ts";
import type { BrokerPage } from "./broker/broker.ts";
import type { FeedRegistry } from "./subscribers/feed-registry.ts";
import { writeMember } from "./presence/member.ts";
import {
  checkEnterOptions,
  checkLeaveOptions,
  type EnterOptions,
  type LeaveOptions,
} from "./presence/enter-options.ts";
import { isNoPosition, type Position, readPosition } from "./broker/position.ts";
import type { MemberListener, MemberWatch, MemberWatches } from "./presence/member-watches.ts";
import type { Presence } from "./presence/presence-lease.ts";
import type { PresenceLeases } from "./presence/presence-leases.ts";
import { readPresence } from "./presence/presence-view.ts";
import type { HistoryPage, Publication, TopicData } from "./broker/publication.ts";
import { publish, type PublishOptions, type PublishResult } from "./messages/publish.ts";
import { consecutiveAfter, findGap } from "./broker/recovery.ts";
import {
  checkSubscribeOptions,
  type SubscribeOptions,
  type TopicSubscription,
} from "./subscribers/subscription.ts";
import type { Member } from "./messages/topic-message.ts";
import type { TopicSettings } from "./messages/topic-options.ts";
import { socketOf, type TopicTarget } from "./messages/topic-socket.ts";
import { type TopicsEnvironment, withTimeout } from "./messages/topics-environment.ts";
import type {
  MessageListener,
  MessageListening,
  SendOptions,
  VolatileMessages,
} from "./messages/volatile-messages.ts";

/** Options of `topic.history`. */
export interface HistoryOptions {
  /**
   * The position after which to read, in the same forms as `since` in {@link SubscribeOptions}. Default: no
   * position, which reads the latest publications.
   */
  readonly since?: unknown;
  /**
   * The position before which to read, in the same forms as `since`. The result has the publications right
   * before it, and `recovered: true`, as far as the history goes back. Not together with `since`. Default: no
   * position.
   */
  readonly before?: unknown;
  /** The maximum number of publications to read; 0 reads only the position. Default: 100. */
  readonly limit?: number;
}

/**
 * A topic: a named sequence of publications, in the same order for all servers. `topics.topic(name)` returns
 * it. Each subscriber gets each publication once and in order, or a notice that some were lost.
 *
 * @example
 * ```ts
 * const news = topics.topic("news");
 * await news.subscribe(socket, { since: url.searchParams.get("since") });
 * await news.publish("hello", { id: "a1" });
 * ```
 */
export interface Topic {
  /** The name that was passed to `topics.topic`. */
  readonly name: string;

  /**
   * Publishes a message to all subscribers of the topic, on all servers. Resolves when the broker has stored
   * it; then every subscriber gets it, or a notice of a loss. While the broker cannot be reached, `publish`
   * retries for up to `publishTimeoutMs`. If it rejects with a `BrokerError`, the broker may have stored the
   * publication. You can publish it again with the same `id`: the broker stores it only once.
   *
   * Publications have the order in which they reach the broker. To publish in a fixed order, await each call
   * before the next.
   *
   * @throws UsageError `INVALID_DATA`, `INVALID_ID`, `INVALID_OPTION`, `PUBLICATION_TOO_BIG`
   * @throws BrokerError if the broker did not store the publication within `publishTimeoutMs`, or refused it
   */
  publish(data: TopicData, options?: PublishOptions): Promise<PublishResult>;

  /**
   * Subscribes a socket to the topic. The socket gets every publication after `since`, or every new
   * publication, until it ends or `unsubscribe` is called. Resolves before the publications that the socket
   * missed have been sent.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`, `INVALID_OPTION`, `INVALID_SOCKET`
   * @throws BrokerError if the broker does not answer; the socket is not subscribed
   */
  subscribe(target: TopicTarget, options?: SubscribeOptions): Promise<TopicSubscription>;

  /**
   * Ends the subscription of a socket, like `unsubscribe` of the result of `subscribe`. Has no effect if the
   * socket is not subscribed. A server with very many subscriptions need not keep their results.
   *
   * @throws UsageError `INVALID_SOCKET`
   */
  unsubscribe(target: TopicTarget): void;

  /**
   * Reads publications from the history of the topic. To continue after them, subscribe with the `position`
   * of the result as `since`.
   *
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError if the broker does not answer
   */
  history(options?: HistoryOptions): Promise<HistoryPage>;

  /**
   * Adds a member to the topic's presence, until you call `leave` on the result, or the socket ends. With
   * `graceMs`, a member stays for this time after its connection is lost. If this server crashes, the member
   * expires after `presenceTtlMs`, or after `graceMs` if that is longer.
   *
   * @throws UsageError `NO_PRESENCE` if the topic's `presence` option is off, and there is no `key`
   * @throws UsageError `INVALID_MEMBER`, `INVALID_OPTION`, `INVALID_SOCKET`
   * @throws BrokerError if the broker does not answer
   */
  enter(target: TopicTarget, member: Member, options?: EnterOptions): Promise<Presence>;

  /**
   * Removes the entries of a member by their keys, on any server. For a client that has lost its connection, and
   * leaves on another one without entering again. Keys without an entry have no effect.
   *
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError if the broker does not answer; some entries may have been removed
   */
  leave(options: LeaveOptions): Promise<void>;

  /** Reads the members that are present on all servers. @throws BrokerError if the broker does not answer */
  members(): Promise<readonly Member[]>;

  /**
   * Reads the members, and then calls `listener` with each change: `join` and `leave`. The option `presence`
   * may be off. The first call comes after the promise has resolved, so the caller has all members before. The
   * watchers of a server share one list.
   *
   * @throws UsageError `INVALID_OPTION` if `listener` is not a function
   * @throws BrokerError if the broker does not answer
   */
  watchMembers(listener: MemberListener): Promise<MemberWatch>;

  /**
   * Sends a volatile message to the current listeners of the topic, on all servers. It is not stored, so it
   * has no position, and a listener misses it if its server is disconnected from the broker. Resolves when
   * the broker has accepted the message. Messages that one server sends to one topic arrive in the order of
   * the calls. `maxPublicationBytes` limits their size.
   *
   * @throws UsageError `INVALID_DATA`, `INVALID_OPTION`, `INVALID_SENDER`, `PUBLICATION_TOO_BIG`
   * @throws UsageError `SEND_UNSUPPORTED` if the broker has no method `send`
   * @throws BrokerError if the broker does not answer; listeners may have received the message
   */
  send(data: TopicData, options?: SendOptions): Promise<void>;

  /**
   * Calls `listener` with each volatile message that any server sends after the promise has resolved. The
   * listeners of a server share one subscription at the broker.
   *
   * @throws UsageError `INVALID_OPTION` if `listener` is not a function
   * @throws UsageError `SEND_UNSUPPORTED` if the broker has no method `send`
   * @throws BrokerError if the broker does not answer
   */
  listen(listener: MessageListener): Promise<MessageListening>;
}

/** The objects that all topics of a server share. */
export interface TopicsState {
  readonly environment: TopicsEnvironment;
  readonly feeds: FeedRegistry;
  readonly leases: PresenceLeases;
  readonly messages: VolatileMessages;
  readonly watches: MemberWatches;
}

/** The `Topic` that `Topics` returns. */
export class TopicHandle implements Topic {
  readonly name: string;
  readonly #settings: TopicSettings;
  readonly #environment: TopicsEnvironment;
  readonly #feeds: FeedRegistry;
  readonly #leases: PresenceLeases;
  readonly #messages: VolatileMessages;
  readonly #watches: MemberWatches;

  constructor(
    name: string,
    settings: TopicSettings,
    { environment, feeds, leases, messages, watches }: TopicsState,
  ) {
    this.name = name;
    this.#settings = settings;
    this.#environment = environment;
    this.#feeds = feeds;
    this.#leases = leases;
    this.#messages = messages;
    this.#watches = watches;
  }

  async publish(data: TopicData, options: PublishOptions = {}): Promise<PublishResult> {
    this.#environment.checkOpen();
    checkRecord("publish", options);
    return publish(this.name, this.#environment, this.#settings, data, options.id);
  }

  async subscribe(target: TopicTarget, options: SubscribeOptions = {}): Promise<TopicSubscription> {
    this.#environment.checkOpen();
    const socket = socketOf(target);
    checkSubscribeOptions(options);
    return this.#feeds.use(this.name, this.#settings, (feed) => feed.subscribe(socket, options));
  }

  unsubscribe(target: TopicTarget): void {
    this.#feeds.unsubscribe(this.name, socketOf(target));
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#environment.checkOpen();
    checkRecord("history", options);
    const { limit = 100, since, before } = options;
    checkInteger("history", "limit", limit, 0);
    if (!isNoPosition(before)) {
      if (isNoPosition(since)) return this.#readBefore(readPosition(before), limit);
      throw new UsageError("INVALID_OPTION", "history: pass since or before, not both");
    }
    const position = readPosition(since);
    if (position !== undefined) return this.#readAfter(position, limit);
    const page = await this.#readPage(undefined, limit);
    if (isNoPosition(since)) return notRecovered(page, "no-position", page.publications);
    return notRecovered(page, "invalid-position", []);
  }

  async enter(target: TopicTarget, member: Member, options: EnterOptions = {}): Promise<Presence> {
    this.#environment.checkOpen();
    const socket = socketOf(target);
    checkEnterOptions(options);
    const { key, graceMs = 0 } = options;
    const replaces = [options.replaces ?? []].flat().filter((replaced) => replaced !== key);
    if (!this.#settings.presence && key === undefined) {
      throw new UsageError(
        "NO_PRESENCE",
        `presence is off for the topic ${JSON.stringify(this.name)}; set presence: true in the options of Topics, or in optionsOf`,
      );
    }
    const value = writeMember(member);
    const lease = { key: key ?? crypto.randomUUID(), value, graceMs, replaces };
    return this.#leases.enter(this.name, lease, socket);
  }

  async leave(options: LeaveOptions): Promise<void> {
    this.#environment.checkOpen();
    checkLeaveOptions(options);
    await this.#leases.leave(this.name, options);
  }

  async members(): Promise<readonly Member[]> {
    this.#environment.checkOpen();
    const { members } = await readPresence(this.#environment, this.name);
    return [...members.values()];
  }

  // Not async, because `watch` relies on the order of reactions to its promise.
  watchMembers(listener: MemberListener): Promise<MemberWatch> {
    return this.#watches.watch(this.name, listener);
  }

  async send(data: TopicData, options: SendOptions = {}): Promise<void> {
    this.#environment.checkOpen();
    checkRecord("send", options);
    return this.#messages.send(this.name, this.#settings, data, options);
  }

  async listen(listener: MessageListener): Promise<MessageListening> {
    this.#environment.checkOpen();
    if (typeof listener === "function") return this.#messages.listen(this.name, listener);
    throw invalidOption("listen", "listener", listener, "a function");
  }

  async #readAfter(position: Position, limit: number): Promise<HistoryPage> {
    // At least 1, because only the next publication shows whether one is missing.
    const page = await this.#readPage(position, Math.max(1, limit));
    const reason = findGap(position, page);
    if (reason !== undefined) return notRecovered(page, reason, []);
    const publications = consecutiveAfter(position, page).slice(0, limit);
    return { position: page.position, recovered: true, publications };
  }

  async #readBefore(before: Position | undefined, limit: number): Promise<HistoryPage> {
    if (before === undefined) {
      return notRecovered(await this.#readPage(undefined, 0), "invalid-position", []);
    }
    const { epoch, offset: end } = before;
    const since = { epoch, offset: Math.max(0, end - 1 - limit) };
    const page = await this.#readPage(since, Math.max(1, end - 1 - since.offset));
    if (page.position.epoch !== epoch) return notRecovered(page, "epoch-changed", []);
    if (page.position.offset < end - 1) return notRecovered(page, "position-ahead", []);
    // With a limit of 0, all publications of the page come after `before`.
    const publications = consecutiveBefore(end, page.publications).slice(-limit);
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
  reason: LossReason | "no-position",
  publications: HistoryPage["publications"],
): HistoryPage {
  return { position, recovered: false, reason, publications };
}

/** The publications that precede the offset `end` without a gap. */
function consecutiveBefore(end: number, publications: HistoryPage["publications"]): Publication[] {
  const before = publications.filter(({ position }) => position.offset < end);
  const isPart = ({ position }: Publication, index: number): boolean =>
    position.offset === end - before.length + index;
  return before.slice(before.findLastIndex((one, index) => !isPart(one, index)) + 1);
}
