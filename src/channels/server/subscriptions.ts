import { formatPosition } from "../../topics/index.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import { brokerFailure, FORBIDDEN, INTERNAL, invalidRequest } from "./failures.ts";
import type { Rechecks } from "./rechecks.ts";
import { runRule } from "./rules.ts";
import { SmallMap } from "./small-map.ts";
import { StoredSubscription } from "./stored-subscription.ts";
import type { TopicEntry } from "./topic-table.ts";
import { VolatileSubscription } from "./volatile-subscription.ts";

type SubscribeFrame = ClientFrameOf<"subscribe">;

/** The subscription of one connection to one topic. */
export type Subscription = StoredSubscription | VolatileSubscription;

/** The subscriptions of one connection. */
export class Subscriptions {
  readonly #connection: ChannelConnection;
  readonly #byTopic = new SmallMap<Subscription>();
  /** Subscriptions that ended before their answer. They count until their rule or the broker has settled. */
  #ending = 0;
  /** Called when a subscribe is answered. Undefined until the first publish waits for one. */
  #onAnswered: Map<Subscription, () => void> | undefined;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  subscribe(frame: SubscribeFrame): void {
    const { session } = this.#connection;
    if (this.#byTopic.get(frame.topic) !== undefined) {
      session.fail(frame.id, invalidRequest("the connection is subscribed to the topic already"));
      return;
    }
    const used = { lasting: this.#byTopic.size, pending: this.#ending };
    const entry = acquireTopic(this.#connection, frame, "maxSubscriptions", used);
    if (entry === undefined) return;
    const Class = entry.compiled.isVolatile ? VolatileSubscription : StoredSubscription;
    const subscription = new Class(this.#connection, entry, frame.id, frame.credit);
    this.#byTopic.add(subscription);
    this.#check(subscription, frame);
  }

  unsubscribe(topic: string): void {
    const subscription = this.#byTopic.get(topic);
    if (subscription !== undefined) this.#end(subscription);
  }

  addCredit(topic: string, bytes: number): void {
    this.#byTopic.get(topic)?.addCredit(bytes);
  }

  /**
   * Resolves when the subscribe of a topic is answered; undefined if no answer is pending. At most one call may wait
   * for each topic.
   */
  whenAnswered(topic: string): Promise<void> | undefined {
    const subscription = this.#byTopic.get(topic);
    if (subscription === undefined || subscription.requestId === 0) return undefined;
    const waiting = (this.#onAnswered ??= new Map());
    return new Promise((resolve) => waiting.set(subscription, resolve));
  }

  /** The connection has room again. */
  wake(): void {
    for (const subscription of this.#byTopic.values()) subscription.wake();
  }

  /** Runs the subscribe rules again, and ends the subscriptions that they do not allow any more. */
  recheck(rechecks: Rechecks): Promise<void>[] {
    return this.#byTopic
      .values()
      .map((subscription) =>
        rechecks.run(subscription, (reason) => this.revoke(subscription, reason)),
      );
  }

  /** Ends a subscription, and tells the client why. */
  revoke(subscription: Subscription, error: ErrorFields): void {
    const topic = subscription.entry.name;
    const { session } = this.#connection;
    if (subscription.requestId > 0) {
      session.fail(subscription.requestId, error);
      this.#end(subscription);
      return;
    }
    this.#end(subscription);
    session.send({ type: "unsubscribed", topic, ...error });
  }

  /** Ends all subscriptions, because the connection has ended. */
  endAll(): void {
    for (const subscription of this.#byTopic.values()) this.#end(subscription);
  }

  #check(subscription: Subscription, frame: SubscribeFrame): void {
    const { entry } = subscription;
    runRule(
      this.#connection,
      entry,
      "subscribe",
      undefined,
      () => this.#start(subscription, frame),
      (hasThrown) => this.#fail(subscription, frame.id, hasThrown ? INTERNAL : FORBIDDEN),
    );
  }

  #start(subscription: Subscription, frame: SubscribeFrame): void {
    if (subscription.isEnded) {
      this.#ending--;
      return;
    }
    const starting =
      subscription instanceof VolatileSubscription
        ? this.#startVolatile(subscription, frame)
        : this.#startStored(subscription, frame);
    starting.catch((error: unknown) => {
      const failure = brokerFailure(error);
      if (failure === undefined) this.#report(error, subscription.entry);
      this.#fail(subscription, frame.id, failure ?? INTERNAL);
    });
  }

  /** @throws BrokerError */
  async #startStored(subscription: StoredSubscription, frame: SubscribeFrame): Promise<void> {
    const { topic, encode, number, name } = subscription.entry;
    const { id, since, last = 0 } = frame;
    const options = { since, last, encode, members: false };
    const source = await topic.subscribe(subscription, options);
    if (subscription.isEnded) {
      source.unsubscribe();
      this.#ending--;
      return;
    }
    this.#connection.session.answerSubscribed({
      type: "subscribed",
      id,
      topic: name,
      number,
      position: formatPosition(source.position),
      recovered: source.recovered,
      reason: source.reason,
    });
    subscription.start();
    this.#settle(subscription);
  }

  /** @throws BrokerError */
  async #startVolatile(subscription: VolatileSubscription, { id }: SubscribeFrame): Promise<void> {
    const { name: topic, number, volatileFeed } = subscription.entry;
    await volatileFeed.add(subscription);
    if (subscription.isEnded) {
      volatileFeed.remove(subscription);
      this.#ending--;
      return;
    }
    const answer = { type: "subscribed", id, topic, number, isVolatile: true } as const;
    this.#connection.session.answerSubscribed(answer);
    subscription.start();
    this.#settle(subscription);
  }

  #fail(subscription: Subscription, id: number, error: ErrorFields): void {
    if (subscription.isEnded) {
      this.#ending--;
      return;
    }
    subscription.end();
    this.#forget(subscription);
    this.#connection.session.fail(id, error);
  }

  #end(subscription: Subscription): void {
    const { requestId } = subscription;
    subscription.end();
    this.#forget(subscription);
    if (requestId === 0) return;
    this.#ending++;
    this.#connection.session.fail(requestId, invalidRequest("unsubscribed before the answer"));
  }

  #settle(subscription: Subscription): void {
    this.#onAnswered?.get(subscription)?.();
    this.#onAnswered?.delete(subscription);
  }

  #forget(subscription: Subscription): void {
    this.#settle(subscription);
    this.#byTopic.delete(subscription);
    this.#connection.environment.table.release(subscription.entry);
  }

  #report(error: unknown, { name }: TopicEntry): void {
    this.#connection.environment.report(error, { kind: "subscribe", name });
  }
}
