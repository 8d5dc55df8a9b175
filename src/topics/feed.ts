import { BrokerError, UsageError } from "../errors/index.ts";
import type { BrokerListener, BrokerPage } from "./broker.ts";
import { consecutive, gapAfter } from "./recovery.ts";
import { backoffMs, delay, type TopicsEnvironment, withTimeout } from "./topics-environment.ts";
import { isNoPosition, isSamePosition, type Position, readPosition } from "./position.ts";
import { PresenceView } from "./presence-view.ts";
import type { GapReason, Publication, TopicData } from "./publication.ts";
import { type Content, type Prepared, RecentPublications } from "./recent-publications.ts";
import { Subscriber, type SubscriberSource } from "./subscriber.ts";
import type { TopicMessage } from "./topic-message.ts";
import type { TopicSettings } from "./topic-options.ts";
import type { TopicSocket } from "./topic-socket.ts";

/** How many publications are read at once. */
const PAGE_SIZE = 256;

/** How many are read for a subscriber that is behind, which holds on to them until it has sent them. */
const SUBSCRIBER_PAGE_SIZE = 32;

/** How many publications wait while missed ones are fetched; beyond it they are fetched too. */
const MAX_PENDING = 1_024;

/** Where a subscriber starts. */
export interface Start {
  readonly position: Position;
  readonly recovered: boolean;
  readonly reason?: GapReason;
}

/**
 * A node's one subscription to a topic at the broker, and its subscribers. It hands out every
 * publication once and in order, whatever the broker delivers: it looks at each offset, fetches what
 * it has missed, and tells all subscribers where that cannot be done.
 */
export class Feed implements BrokerListener, SubscriberSource {
  readonly name: string;
  readonly #context: TopicsEnvironment;
  readonly #settings: TopicSettings;
  readonly #onEmpty: () => void;
  readonly #presence: PresenceView | undefined;
  readonly #subscribers = new Map<TopicSocket, Subscriber>();
  /** Sockets for which it is being found out where they start. */
  readonly #starting = new Set<TopicSocket>();
  readonly #recent = new RecentPublications();
  #state: "opening" | "live" | "fetching" | "closed" = "opening";
  /** The last publication handed out. */
  #position: Position = { epoch: "", offset: 0 };
  /** Came while the feed was not live. */
  readonly #pending: Publication[] = [];
  /** Whether there may be something that neither `pending` nor the fetch under way has. */
  #isStale = false;
  #fetch: Promise<void> | undefined;
  #stopListening: (() => Promise<void>) | undefined;
  #isQuiet = true;

  /** @param onEmpty called when the last subscriber has gone */
  constructor(
    name: string,
    context: TopicsEnvironment,
    settings: TopicSettings,
    onEmpty: () => void,
  ) {
    this.name = name;
    this.#context = context;
    this.#settings = settings;
    this.#onEmpty = onEmpty;
    if (settings.presence) this.#presence = new PresenceView(name, context, this.#tell);
  }

  get position(): Position {
    return this.#position;
  }

  get hasPresence(): boolean {
    return this.#presence !== undefined;
  }

  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Starts to listen; call it once. @throws BrokerError, after which the feed is of no use */
  async open(): Promise<void> {
    const { broker } = this.#context;
    const { retention } = this.#settings;
    try {
      const subscribing = broker.subscribe(this.name, this);
      void subscribing.then(this.#listening, () => {});
      await withTimeout(this.#context, subscribing);
      const query = { limit: PAGE_SIZE };
      const page = await withTimeout(this.#context, broker.history(this.name, query, retention));
      this.#remember(page);
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.#presence?.refresh();
    if (this.#state === "closed") throw closed();
    this.#state = "live";
    this.#replay();
    if (this.#isStale) void this.refresh();
  }

  /**
   * Sends a socket every publication from `since` on, or from now on.
   *
   * @throws UsageError `ALREADY_SUBSCRIBED`
   * @throws BrokerError if what is behind `since` has to be asked for and cannot be
   */
  async subscribe(
    socket: TopicSocket,
    since: unknown,
  ): Promise<Start & { subscriber: Subscriber }> {
    if (this.#subscribers.has(socket) || this.#starting.has(socket)) {
      throw new UsageError("ALREADY_SUBSCRIBED", `the socket is on the topic ${this.name} already`);
    }
    this.#starting.add(socket);
    let start: Start;
    try {
      start = await this.#findStart(since);
    } finally {
      this.#starting.delete(socket);
    }
    if (this.#state === "closed") throw closed();
    const subscriber = new Subscriber(socket, this, start.position);
    this.#subscribers.set(socket, subscriber);
    subscriber.start(this.#encodeNotice({ type: "subscribed", topic: this.name, ...start }));
    return { ...start, subscriber };
  }

  /** Makes sure that nothing was missed in silence; from time to time. */
  check(): void {
    if (this.#isQuiet && this.#state === "live") void this.refresh();
    this.#isQuiet = true;
    void this.#presence?.refresh();
  }

  /** Closes the sockets too that are still here: nothing more would come to them. */
  async close(): Promise<void> {
    this.#state = "closed";
    for (const [socket, subscriber] of this.#subscribers) {
      subscriber.end();
      socket.close(GOING_AWAY, "the topic was closed");
    }
    await this.#stopListening?.();
  }

  onPublication(publication: Publication): void {
    this.#isQuiet = false;
    if (this.#state === "closed") return;
    if (this.#state !== "live") this.#postpone(publication);
    else if (this.#isNext(publication)) this.#handOut(publication);
    else if (!this.#isOld(publication)) {
      this.#postpone(publication);
      void this.refresh();
    }
  }

  onInterruption(): void {
    void this.refresh();
    void this.#presence?.refresh();
  }

  onPresenceChange(): void {
    void this.#presence?.refresh();
  }

  /**
   * Makes the feed as new as the broker is at the time of the call, however long that takes. Resolves
   * early when the feed is closed.
   */
  refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#state === "opening" || this.#state === "closed") return Promise.resolve();
    this.#fetch ??= this.#fetchMissed();
    return this.#fetch;
  }

  next({ epoch, offset }: Position): Prepared | undefined {
    return epoch === this.#position.epoch ? this.#recent.get(offset + 1) : undefined;
  }

  async readAfter(position: Position): Promise<readonly Prepared[] | GapReason> {
    const page = await this.#readUntilAnswered(position, SUBSCRIBER_PAGE_SIZE);
    if (page === undefined) return [];
    const reason = gapAfter(position, page);
    if (reason !== undefined) return reason;
    const prepared = this.#prepareAll(consecutive(position, page));
    return prepared.length === 0 ? "missing" : prepared;
  }

  encodeLost(position: Position, reason: GapReason): TopicData | undefined {
    return this.#encodeNotice({ type: "lost", topic: this.name, position, reason });
  }

  encodeMembers(): TopicData | undefined {
    const members = this.#presence?.members ?? [];
    return this.#encodeNotice({ type: "members", topic: this.name, members });
  }

  remove({ socket }: Subscriber): void {
    if (this.#subscribers.delete(socket) && this.#subscribers.size === 0) this.#onEmpty();
  }

  async #findStart(since: unknown): Promise<Start> {
    if (isNoPosition(since)) return this.#startNow("no-position");
    const position = readPosition(since);
    if (position === undefined) return this.#startNow("invalid-position");
    if (!this.#canServe(position)) {
      // Another node may have been quicker with what this socket has seen.
      await withTimeout(this.#context, this.refresh());
      if (!this.#canServe(position)) {
        const reason = await this.#gapInHistory(position);
        if (reason !== undefined) return this.#startNow(reason);
      }
    }
    return { position, recovered: true };
  }

  #startNow(reason: GapReason): Start {
    return { position: this.#position, recovered: false, reason };
  }

  #canServe(position: Position): boolean {
    return isSamePosition(position, this.#position) || this.next(position) !== undefined;
  }

  async #gapInHistory(position: Position): Promise<GapReason | undefined> {
    const { broker } = this.#context;
    const query = { since: position, limit: 1 };
    const { retention } = this.#settings;
    const page = await withTimeout(this.#context, broker.history(this.name, query, retention));
    return gapAfter(position, page);
  }

  /** Keeps the latest publications that are there without a gap. */
  #remember({ position, publications }: BrokerPage): void {
    this.#position = position;
    const before = { ...position, offset: position.offset - publications.length };
    const prepared = this.#prepareAll(consecutive(before, { position, publications }));
    if (prepared.length < publications.length) return;
    for (const one of prepared) this.#recent.add(one);
  }

  #postpone(publication: Publication): void {
    if (this.#pending.length < MAX_PENDING) {
      this.#pending.push(publication);
      return;
    }
    this.#pending.length = 0;
    this.#isStale = true;
  }

  async #fetchMissed(): Promise<void> {
    if (this.#state === "live") this.#state = "fetching";
    while (this.#isStale && this.#state !== "closed") {
      this.#isStale = false;
      const page = await this.#readUntilAnswered(this.#position, PAGE_SIZE);
      if (page !== undefined) this.#take(page);
      if (!this.#isStale) this.#replay();
    }
    if (this.#state === "fetching") this.#state = "live";
    this.#fetch = undefined;
  }

  /** Undefined when the feed is closed; until then it tries again. */
  async #readUntilAnswered(since: Position, limit: number): Promise<BrokerPage | undefined> {
    const { broker, timers } = this.#context;
    const { retention } = this.#settings;
    for (let failures = 0; this.#state !== "closed"; failures++) {
      try {
        const query = { since, limit };
        return await withTimeout(this.#context, broker.history(this.name, query, retention));
      } catch (error) {
        if (failures === 0) this.#context.report(error, this.name);
      }
      await delay(timers, backoffMs(failures));
    }
    return undefined;
  }

  /** Hands out what was fetched from behind the position. */
  #take(page: BrokerPage): void {
    const reason = gapAfter(this.#position, page);
    if (reason !== undefined) this.#lose(endOfGap(this.#position, page, reason), reason);
    for (const publication of consecutive(this.#position, page)) this.#handOut(publication);
    if (this.#position.offset < page.position.offset) this.#isStale = true;
  }

  #replay(): void {
    for (const publication of this.#pending.splice(0)) {
      if (this.#isNext(publication)) this.#handOut(publication);
      else if (!this.#isOld(publication)) this.#isStale = true;
    }
  }

  #isNext({ position }: Publication): boolean {
    return position.offset === this.#position.offset + 1 && position.epoch === this.#position.epoch;
  }

  #isOld({ position }: Publication): boolean {
    return position.offset <= this.#position.offset && position.epoch === this.#position.epoch;
  }

  #handOut(publication: Publication): void {
    const prepared = this.#prepare(publication);
    if (prepared === undefined) {
      this.#lose(publication.position, "missing");
      return;
    }
    this.#position = prepared.position;
    this.#recent.add(prepared);
    for (const subscriber of this.#subscribers.values()) subscriber.offer(prepared);
  }

  #lose(position: Position, reason: GapReason): void {
    this.#position = position;
    this.#recent.clear();
    const notice = this.encodeLost(position, reason);
    for (const subscriber of this.#subscribers.values()) subscriber.lose(position, notice);
  }

  readonly #listening = (stop: () => Promise<void>): void => {
    if (this.#state !== "closed") this.#stopListening = stop;
    else stop().catch((error: unknown) => this.#context.report(error, this.name));
  };

  readonly #tell = (message: TopicMessage): void => {
    const content = this.#share(this.#encodeNotice(message));
    if (content === undefined) return;
    for (const subscriber of this.#subscribers.values()) subscriber.tell(content);
  };

  /** Those up to the first that cannot be encoded. */
  #prepareAll(publications: readonly Publication[]): Prepared[] {
    const all: Prepared[] = [];
    for (const publication of publications) {
      const prepared = this.#prepare(publication);
      if (prepared === undefined) break;
      all.push(prepared);
    }
    return all;
  }

  // The one place where a publication becomes what is sent; undefined where that fails.
  #prepare(publication: Publication): Prepared | undefined {
    const content = this.#encode({ type: "publication", topic: this.name, publication });
    if (content === FAILED) return undefined;
    return { position: publication.position, content: this.#share(content) };
  }

  #share(content: TopicData | undefined): Content | undefined {
    return content === undefined ? undefined : this.#context.share(content);
  }

  /** As `encode`, and nothing where that fails. */
  #encodeNotice(message: TopicMessage): TopicData | undefined {
    const content = this.#encode(message);
    return content === FAILED ? undefined : content;
  }

  #encode(message: TopicMessage): TopicData | undefined | typeof FAILED {
    try {
      const content: unknown = this.#settings.encode(message);
      if (content === undefined || typeof content === "string") return content;
      if (content instanceof Uint8Array) return content;
      throw new UsageError("INVALID_DATA", `encode returned a value of type ${typeof content}`);
    } catch (error) {
      this.#context.report(error, this.name);
      return FAILED;
    }
  }
}

/** The position after a gap: before the first publication that was read, or at the end. */
function endOfGap(
  last: Position,
  { position, publications }: BrokerPage,
  reason: GapReason,
): Position {
  const first = publications.find(({ position: at }) => at.offset > last.offset + 1);
  const isLater = reason === "missing" && first?.position.epoch === position.epoch;
  return isLater ? { ...position, offset: first.position.offset - 1 } : position;
}

const FAILED = Symbol("what could not be encoded");

/** RFC 6455 7.4.1: an endpoint is going away. */
const GOING_AWAY = 1001;

function closed(): BrokerError {
  return new BrokerError("BROKER_CLOSED", "the topics were closed");
}
