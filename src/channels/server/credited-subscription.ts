import type { ChannelConnection } from "./connection.ts";
import type { TopicEntry } from "./topic-table.ts";

/**
 * - `starting`: a rule or the broker is at work.
 * - `live`: the client was told that it is subscribed.
 * - `ended`: nothing is sent any more.
 */
type SubscriptionState = "starting" | "live" | "ended";

/**
 * The subscription of one connection to one topic. Its credit says how many bytes the client has room for.
 * Without credit, only this topic waits. There may be many thousands, so it has few fields.
 */
export abstract class CreditedSubscription {
  readonly entry: TopicEntry;
  protected readonly connection: ChannelConnection;
  #state: SubscriptionState = "starting";
  #requestId: number;
  #credit: number;

  constructor(connection: ChannelConnection, entry: TopicEntry, requestId: number, credit: number) {
    this.entry = entry;
    this.connection = connection;
    this.#requestId = requestId;
    this.#credit = credit;
  }

  /** The id of the subscribe frame, if it is not answered yet; otherwise 0. */
  get requestId(): number {
    return this.#requestId;
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** Whether the client and the connection have room for a publication. */
  protected get canSend(): boolean {
    return this.#state === "live" && this.#credit > 0 && !this.connection.isFull;
  }

  /** Whether the client was told that it is subscribed, and still is. */
  protected get isLive(): boolean {
    return this.#state === "live";
  }

  addCredit(bytes: number, maxBytes: number): void {
    this.#credit = Math.min(maxBytes, this.#credit + bytes);
    this.wake();
  }

  /** Continues if there is room again. */
  abstract wake(): void;

  /** Ends the subscription. The connection stays open. A second call has no effect. */
  end(): void {
    this.#state = "ended";
  }

  /** The client was told that it is subscribed. */
  protected begin(): void {
    this.#state = "live";
    this.#requestId = 0;
  }

  protected pay(bytes: number): void {
    this.#credit -= bytes;
  }
}
