import { type ChannelError, PublicationsLostError } from "./channel-error.ts";
import { type ClientSession, errorOf, type SessionPage, type TopicItem } from "./client-session.ts";
import { CreditFlow, type FlowReader } from "./credit-flow.ts";
import type { AnswerFrame } from "./client-session.ts";
import { type Notice, SessionState } from "./session-state.ts";

/** Where a reader of a topic starts. Without `last` and `since`, at the next publication. */
export interface SubscriptionStart {
  readonly last?: number | undefined;
  readonly since?: string | undefined;
}

/** An item, or an error: a `PublicationsLostError` at the place of a loss, or the last value of a reader. */
export type SubscriptionValue = TopicItem | Error;

/** The maximum number of items in one answer to `history`. */
const PAGE_SIZE = 1000;

/** Subscribes a reader to a topic. All readers of a topic share one subscription. */
export function subscribe(
  session: ClientSession,
  topic: string,
  start: SubscriptionStart,
): FlowReader<SubscriptionValue> {
  const shared = session.states.get(`subscribe ${topic}`) as ClientSubscription | undefined;
  if (shared) return shared.read(start);
  const subscription = new ClientSubscription(session, topic, start);
  const reader = subscription.read(start);
  subscription.open();
  return reader;
}

/** The subscription to one topic. It follows the position of the last publication. */
class ClientSubscription extends SessionState {
  readonly #start: SubscriptionStart;
  readonly #flow: CreditFlow<SubscriptionValue>;
  /** Readers that start elsewhere, and wait for the answer of the server. */
  #late: [FlowReader<SubscriptionValue>, SubscriptionStart][] = [];
  #hasStarted = false;
  /** The epoch and offset of the last publication. Undefined for a volatile topic. */
  #epoch: string | undefined;
  #offset = 0;

  constructor(session: ClientSession, topic: string, start: SubscriptionStart) {
    super(session, "subscribe", topic);
    this.#start = start;
    this.#flow = new CreditFlow(
      session.environment.creditBytes,
      (bytes) => session.send({ type: "credit", topic, bytes }),
      // One task of grace: an application may end one loop and begin another.
      () => session.environment.setTimeout(() => this.#flow.hasReaders || this.close(), 0),
    );
  }

  read(start: SubscriptionStart): FlowReader<SubscriptionValue> {
    const reader = this.#flow.read();
    const { last, since } = this.#start;
    const isSame = start.last === last && start.since === since;
    const isAtEnd = (start.last ?? start.since) === undefined;
    if (this.#hasStarted ? !isAtEnd : !isSame) {
      reader.earlier = undefined;
      this.#late.push([reader, start]);
      if (this.#hasStarted) this.#startLate();
    }
    return reader;
  }

  protected fields(): object {
    return {
      credit: this.#flow.open(),
      ...(this.#epoch === undefined ? this.#start : { since: this.#position }),
    };
  }

  protected accept(frame: AnswerFrame): void {
    const { number, position, recovered, reason } = frame as AnswerFrame & { type: "subscribed" };
    const isContinued = (this.#position ?? this.#start.since) !== undefined;
    if (position !== undefined) this.#moveTo(position, isContinued && !recovered && reason);
    // The server may still send what it wrote before it got `unsubscribe`. A later subscription replaces this.
    this.session.subscriptions.set(number, this.#receive);
    this.#hasStarted = true;
    this.#startLate();
  }

  notice(frame: Notice): void {
    if (this.status !== "open") return;
    if (frame.type === "lost") this.#moveTo(frame.position, frame.reason);
    if (frame.type === "unsubscribed") this.revoke(errorOf(frame));
  }

  end(error: ChannelError): void {
    for (const [reader] of this.#late.splice(0)) reader.earlier = [];
    this.#flow.end(error);
  }

  get #position(): string | undefined {
    return this.#epoch && `${this.#epoch}:${this.#offset}`;
  }

  #moveTo(position: string, reason?: string | false): void {
    const [epoch, offset] = position.split(":");
    this.#epoch = epoch;
    this.#offset = +offset;
    if (reason) this.#flow.push(new PublicationsLostError(reason, position), 0);
  }

  readonly #receive = (data: unknown, bytes: number): void => {
    if (!this.isWanted) return;
    this.#offset++;
    this.#flow.push({ data, position: this.#position! }, bytes);
  };

  #startLate(): void {
    for (const [reader, start] of this.#late.splice(0)) {
      if (this.#epoch === undefined) reader.earlier = [];
      else void this.#readEarlier(reader, start);
    }
  }

  /** Reads what a late reader asks for, while the flow keeps what follows. */
  async #readEarlier(
    reader: FlowReader<SubscriptionValue>,
    start: SubscriptionStart,
  ): Promise<void> {
    const items: SubscriptionValue[] = [];
    try {
      const position = await this.#fetch(items, start);
      const [epoch, offset] = position.split(":");
      reader.isKnown = (value) => {
        const at = (value as TopicItem).position!.split(":");
        return at[0] === epoch && +at[1] <= +offset;
      };
    } catch (error) {
      if (this.retry(error as ChannelError, () => this.#startLate())) {
        this.#late.push([reader, start]);
        return;
      }
      items.push(error as Error);
    }
    reader.earlier = items;
    reader.wake?.();
  }

  /** Fills `items`, and returns the position of the last one, or of the end of the topic. */
  async #fetch(
    items: SubscriptionValue[],
    { last = 0, since }: SubscriptionStart,
  ): Promise<string> {
    let page: SessionPage;
    let end = since;
    do {
      if (since !== undefined) {
        page = await this.#history({ after: end, limit: PAGE_SIZE });
        items.push(...page.items);
        if (page.reason) items.push(new PublicationsLostError(page.reason, page.position));
        end = page.items.at(-1)?.position ?? page.position;
      } else {
        const before = (items[0] as TopicItem | undefined)?.position;
        page = await this.#history({ before, limit: Math.min(PAGE_SIZE, last - items.length) });
        items.unshift(...page.items);
        end ??= page.position;
      }
    } while (
      page.items.length > 0 &&
      (since !== undefined ? end !== page.position : items.length < last)
    );
    return end;
  }

  #history(query: object): Promise<SessionPage> {
    return this.session.history(this.topic, query);
  }
}
