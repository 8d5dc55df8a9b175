import type { ChannelConnection } from "./connection.ts";
import type { TopicEntry } from "./topic-table.ts";

/**
 * The states of a subscription, besides the id of its subscribe frame before its answer:
 *
 * - `LIVE`: the server has sent `subscribed`.
 * - `ENDED`: nothing is sent any more.
 */
const LIVE = 0;
const ENDED = -1;

/**
 * The subscription of one connection to one topic. Its credit says how many bytes the client has room for.
 * Without credit, only this topic waits. There may be many thousands, so it has few fields.
 */
export abstract class CreditedSubscription {
  readonly entry: TopicEntry;
  protected readonly connection: ChannelConnection;
  #state: number;
  #credit: number;

  constructor(connection: ChannelConnection, entry: TopicEntry, requestId: number, credit: number) {
    this.entry = entry;
    this.connection = connection;
    this.#state = requestId;
    this.#credit = credit;
  }

  /** The id of the subscribe frame, if it is not answered yet and the subscription has not ended; otherwise 0. */
  get requestId(): number {
    return Math.max(0, this.#state);
  }

  get isEnded(): boolean {
    return this.#state === ENDED;
  }

  /** Whether the client and the connection have room for a publication. */
  protected get canSend(): boolean {
    return this.#state === LIVE && this.#credit > 0 && !this.connection.isFull;
  }

  /** Whether the server has sent `subscribed`, and the subscription has not ended. */
  protected get isLive(): boolean {
    return this.#state === LIVE;
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.wake();
  }

  /** Continues if there is room again. */
  abstract wake(): void;

  /** Ends the subscription. The connection stays open. A second call has no effect. */
  end(): void {
    this.#state = ENDED;
  }

  /** The server has sent `subscribed`. */
  protected begin(): void {
    this.#state = LIVE;
  }

  /**
   * Subtracts a publication from the credit. If the client cannot receive it, ends the subscription instead, and
   * returns false.
   */
  protected pay(bytes: number): boolean {
    const error = this.connection.session.errorIfLonger(bytes);
    if (error === undefined) {
      this.#credit -= bytes;
      return true;
    }
    this.connection.revoke(this as never, error);
    return false;
  }
}
