import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { BrokerPage, Retention } from "../broker/broker.ts";
import { isNoPosition, isSamePosition, type Position, readPosition } from "../broker/position.ts";
import type { RecentPublications } from "../messages/recent-publications.ts";
import { type TopicsEnvironment, withTimeout } from "../messages/topics-environment.ts";
import { type BrokerFollower, PAGE_SIZE } from "./broker-follower.ts";

/** The position at which a subscriber starts, and the reason if it differs from the requested position. */
export interface SubscriberStart {
  readonly position: Position;
  readonly recovered: boolean;
  readonly reason?: LossReason | "no-position";
}

/** Finds the positions at which the subscribers of one topic start. */
export class StartFinder {
  readonly #environment: TopicsEnvironment;
  readonly #follower: BrokerFollower;
  readonly #recent: RecentPublications;
  readonly #maxLast: number;
  /** A position before which the broker has no publications. */
  #historyStart: Position | undefined;
  /** The read of the latest publications. Most subscribers start at the end, and need no history. */
  #loading: Promise<void> | undefined;

  constructor(
    environment: TopicsEnvironment,
    follower: BrokerFollower,
    recent: RecentPublications,
    retention: Retention,
  ) {
    this.#environment = environment;
    this.#follower = follower;
    this.#recent = recent;
    this.#maxLast = retention.size;
  }

  /**
   * Finds the position for the options `since` and `last` of `subscribe`.
   *
   * @throws BrokerError if the publications after the position are not in memory, and the broker does not
   *   answer
   */
  async find(since: unknown, last: number): Promise<SubscriberStart> {
    if (isNoPosition(since)) {
      return last > 0 ? this.#startBeforeEnd(last) : this.#startNow("no-position");
    }
    const position = readPosition(since);
    if (position === undefined) return this.#startNow("invalid-position");
    if (this.#isBehind(position)) await this.#loadHistory();
    if (!this.#isInMemory(position)) {
      // The client may have received later publications from another server.
      await withTimeout(this.#environment, this.#follower.refresh());
      if (!this.#isInMemory(position)) {
        const reason = await this.#follower.findGapAfter(position);
        if (reason !== undefined) return this.#startNow(reason);
      }
    }
    return { position: this.#shared(position), recovered: true };
  }

  /** Whether publications after `position` exist that are not in memory. */
  #isBehind(position: Position): boolean {
    const { epoch, offset } = this.#follower.position;
    return position.epoch === epoch && position.offset < offset && !this.#isInMemory(position);
  }

  /** Whether all publications after `position` are in memory. */
  #isInMemory(position: Position): boolean {
    const { epoch, offset } = this.#follower.position;
    if (position.epoch !== epoch) return false;
    return position.offset === offset || this.#recent.get(position.offset + 1) !== undefined;
  }

  /** Call this after a loss of publications. The memory is empty then. */
  onLoss(): void {
    this.#loading = undefined;
  }

  /** Reads the latest publications into memory, for the first subscriber that needs them. @throws BrokerError */
  #loadHistory(): Promise<void> {
    this.#loading ??= this.#readHistory().catch((error: unknown) => {
      // The next subscriber tries again.
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #readHistory(): Promise<void> {
    const page = await this.#follower.readLatest(PAGE_SIZE);
    this.#learn(page, PAGE_SIZE);
    const { epoch, offset } = this.#follower.position;
    if (page.position.epoch !== epoch) return;
    // Publications may have arrived since the feed was opened. They are in memory.
    const end = offset - this.#recent.size;
    const start = startOf(page).offset;
    const earlier = page.publications.filter(
      ({ position: at }) => at.offset > start && at.offset <= end,
    );
    if (start + earlier.length === end) this.#recent.prepend(earlier);
  }

  /** Records where the history starts, if `page` has all publications of the history. */
  #learn(page: BrokerPage, limit: number): void {
    if (page.publications.length < limit) this.#historyStart = startOf(page);
  }

  #startNow(reason: LossReason | "no-position"): SubscriberStart {
    return { position: this.#follower.position, recovered: false, reason };
  }

  async #startBeforeEnd(last: number): Promise<SubscriberStart> {
    const wanted = Math.min(last, this.#maxLast);
    if (!this.#hasLast(wanted)) await this.#loadHistory();
    if (this.#hasLast(wanted)) {
      const { epoch, offset } = this.#follower.position;
      return this.#startAt({ epoch, offset: offset - Math.min(this.#recent.size, wanted) });
    }
    const page = await this.#follower.readLatest(wanted);
    this.#learn(page, wanted);
    // The follower must not be behind the position at which the subscriber starts.
    await withTimeout(this.#environment, this.#follower.refresh());
    if (this.#follower.position.epoch !== page.position.epoch) return this.#startNow("no-position");
    return this.#startAt(startOf(page));
  }

  /** Whether the memory has `wanted` publications, or all of the history. */
  #hasLast(wanted: number): boolean {
    const { epoch, offset } = this.#follower.position;
    const before = offset - this.#recent.size;
    if (before === 0 || this.#recent.size >= wanted) return true;
    return this.#historyStart?.epoch === epoch && before <= this.#historyStart.offset;
  }

  #startAt(position: Position): SubscriberStart {
    return { position: this.#shared(position), recovered: false, reason: "no-position" };
  }

  /** Returns an equal position that shares its values with other subscribers, to save memory. */
  #shared(position: Position): Position {
    const last = this.#follower.position;
    if (isSamePosition(position, last)) return last;
    return position.epoch === last.epoch ? { ...position, epoch: last.epoch } : position;
  }
}

/** Returns the position before the publications that reach the end of a page without a gap. */
function startOf({ position, publications }: BrokerPage): Position {
  let { offset } = position;
  for (let index = publications.length - 1; index >= 0; index--) {
    const at = publications[index].position;
    if (at.offset !== offset || at.epoch !== position.epoch) break;
    offset--;
  }
  return { ...position, offset };
}
