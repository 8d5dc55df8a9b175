import { describeError } from "../../errors/debug-log.ts";
import { quote } from "../../errors/quote.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { BrokerListener, BrokerPage, HistoryQuery, Retention } from "../broker/broker.ts";
import type { Position } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";
import { consecutiveAfter, findGap, positionAfterGap } from "../broker/recovery.ts";
import { backoffMs, delay } from "../broker/timers.ts";
import { type TopicsEnvironment, withTimeout } from "../messages/topics-environment.ts";

/** The maximum number of publications in one read. */
export const PAGE_SIZE = 256;

/**
 * The maximum number of publications that wait during a read. If more arrive, the follower drops them and
 * reads them from the broker.
 */
const MAX_PENDING = 1_024;

/** Receives the publications of a `BrokerFollower`. Its methods must not throw. */
export interface FollowerListener {
  /** Called with the next publication, in order and without a gap. */
  onPublication(publication: Publication): void;
  /** Called when publications are lost. The next publication is the first one after `position`. */
  onLoss(position: Position, reason: LossReason): void;
  /** Called when presence may have changed. */
  onPresenceChange(): void;
}

/**
 * Follows one topic at the broker, and delivers every publication once and in order, although the broker may
 * deliver a publication twice or not at all. It compares offsets, reads missing publications from the broker,
 * and reports a loss if the broker no longer has them.
 */
export class BrokerFollower implements BrokerListener {
  readonly #topic: string;
  readonly #environment: TopicsEnvironment;
  readonly #retention: Retention;
  readonly #listener: FollowerListener;
  #state: "opening" | "live" | "reading" | "closed" = "opening";
  /** The position of the last delivered publication. */
  #position: Position = { epoch: "", offset: 0 };
  /** Publications that arrived while the state was not `live`. */
  readonly #pending: Publication[] = [];
  /** Whether the broker may have publications that are neither pending nor in the current read. */
  #needsRead = false;
  #reading: Promise<void> | undefined;
  #stopListening: (() => Promise<void>) | undefined;
  /** Whether no publication has arrived since the last check. */
  #isQuiet = true;

  constructor(
    topic: string,
    environment: TopicsEnvironment,
    retention: Retention,
    listener: FollowerListener,
  ) {
    this.#topic = topic;
    this.#environment = environment;
    this.#retention = retention;
    this.#listener = listener;
  }

  get position(): Position {
    return this.#position;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /**
   * Starts to listen at the end of the topic. Call `start` next.
   *
   * @throws BrokerError; call `close` after an error
   */
  async open(): Promise<void> {
    const { broker } = this.#environment;
    const subscribing = broker.subscribe(this.#topic, this);
    void subscribing.then(this.#onListening, () => {});
    await withTimeout(this.#environment, subscribing);
    const { position } = await this.readLatest(0);
    this.#position = position;
  }

  /** Starts to deliver the publications after the position that `open` has found. */
  start(): void {
    this.#state = "live";
    this.#deliverPending();
    if (this.#needsRead) void this.refresh();
  }

  /** Stops listening and delivering. */
  async close(): Promise<void> {
    this.#state = "closed";
    await this.#stopListening?.();
  }

  onPublication(publication: Publication): void {
    this.#isQuiet = false;
    if (this.#state === "closed") return;
    if (this.#state === "opening") this.#postpone(publication);
    // A read can take long, so it must not delay the next publication.
    else if (this.#isNext(publication)) this.#deliver(publication);
    else if (!this.#isOld(publication)) {
      this.#postpone(publication);
      void this.refresh();
    }
  }

  onInterruption(): void {
    void this.refresh();
    this.#listener.onPresenceChange();
  }

  onPresenceChange(): void {
    this.#listener.onPresenceChange();
  }

  /** Reads from the broker if no publication has arrived since the last check. Call it at intervals. */
  check(): void {
    if (this.#isQuiet && this.#state === "live") void this.refresh();
    this.#isQuiet = true;
  }

  /**
   * Delivers all publications that the broker has at the time of the call. Retries until that succeeds, or
   * until the follower is closed.
   */
  refresh(): Promise<void> {
    this.#needsRead = true;
    if (this.#state === "opening" || this.#state === "closed") return Promise.resolve();
    this.#reading ??= this.#readMissed();
    return this.#reading;
  }

  /** Reads the latest publications, which are not delivered. @throws BrokerError */
  readLatest(limit: number): Promise<BrokerPage> {
    return this.#readOnce({ limit });
  }

  /** Asks the broker whether it has all publications after `position`. @throws BrokerError */
  async findGapAfter(position: Position): Promise<LossReason | undefined> {
    return findGap(position, await this.#readOnce({ since: position, limit: 1 }));
  }

  /**
   * Reads publications after `since`, and retries until the broker answers. Returns undefined if the follower
   * is closed.
   */
  async readAfter(since: Position, limit: number): Promise<BrokerPage | undefined> {
    for (let failures = 0; this.#state !== "closed"; failures++) {
      try {
        const page = await this.#readOnce({ since, limit });
        if (failures > 0) this.#log(() => `reads from the broker again after ${failures} failures`);
        return page;
      } catch (error) {
        if (failures === 0) this.#environment.report(error, this.#topic);
        else this.#log(() => `read failed ${failures + 1} times: ${describeError(error)}`);
      }
      await delay(this.#environment.timers, backoffMs(failures));
    }
    return undefined;
  }

  /** Writes a line about this topic to the debug log. */
  #log(format: () => string): void {
    const { log } = this.#environment;
    if (log.isEnabled) log.write(() => `topic ${quote(this.#topic)} ${format()}`);
  }

  async #readOnce(query: HistoryQuery): Promise<BrokerPage> {
    const { broker } = this.#environment;
    const reading = broker.history(this.#topic, query, this.#retention);
    return withTimeout(this.#environment, reading);
  }

  async #readMissed(): Promise<void> {
    if (this.#state === "live") this.#state = "reading";
    while (this.#needsRead && this.#state !== "closed") {
      this.#needsRead = false;
      const since = this.#position;
      const page = await this.readAfter(since, PAGE_SIZE);
      if (page !== undefined) this.#deliverPage(page, since);
      if (!this.#needsRead) this.#deliverPending();
    }
    if (this.#state === "reading") this.#state = "live";
    this.#reading = undefined;
  }

  #deliverPage(page: BrokerPage, since: Position): void {
    const reason = findGap(since, page);
    if (reason !== undefined && !this.#hasPassed(page, reason)) {
      this.#position = positionAfterGap(this.#position, page, reason);
      this.#log(() => `lost publications: ${reason}`);
      this.#listener.onLoss(this.#position, reason);
    }
    const { position, publications } = page;
    // Publications that arrived during the read may be in the page too.
    const later = publications.filter(({ position: at }) => at.offset > this.#position.offset);
    for (const publication of consecutiveAfter(this.#position, { position, publications: later })) {
      this.#deliver(publication);
    }
    if (this.#position.offset < position.offset) this.#needsRead = true;
  }

  /** Whether the publications that `page` no longer has were delivered during the read. */
  #hasPassed({ position, publications }: BrokerPage, reason: LossReason): boolean {
    const first = publications.at(0)?.position.offset ?? position.offset + 1;
    return reason === "missing" && first <= this.#position.offset + 1;
  }

  #deliverPending(): void {
    for (const publication of this.#pending.splice(0)) {
      if (this.#isNext(publication)) this.#deliver(publication);
      else if (!this.#isOld(publication)) this.#needsRead = true;
    }
  }

  #deliver({ id, data, position: { offset } }: Publication): void {
    // A new object with the same epoch, because the text of `position` may keep the message of an engine in
    // memory.
    this.#position = { epoch: this.#position.epoch, offset };
    this.#listener.onPublication({ position: this.#position, id, data });
  }

  #postpone(publication: Publication): void {
    if (this.#pending.length < MAX_PENDING) {
      this.#pending.push(publication);
      return;
    }
    this.#pending.length = 0;
    this.#needsRead = true;
  }

  #isNext({ position }: Publication): boolean {
    return position.offset === this.#position.offset + 1 && position.epoch === this.#position.epoch;
  }

  #isOld({ position }: Publication): boolean {
    return position.offset <= this.#position.offset && position.epoch === this.#position.epoch;
  }

  readonly #onListening = (stop: () => Promise<void>): void => {
    if (this.#state !== "closed") this.#stopListening = stop;
    else stop().catch((error: unknown) => this.#environment.report(error, this.#topic));
  };
}
