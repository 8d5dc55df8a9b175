/// <reference lib="esnext.disposable" preserve="true" />
import type { PresenceEntry } from "./broker.ts";
import { topicsFull } from "./options.ts";
import { every } from "./timers.ts";
import { onEnd, type TopicSocket } from "./topic-socket.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** The presence of a member on a topic: the result of `topic.enter`. This server renews it until it ends. */
export interface Presence extends AsyncDisposable {
  /**
   * Ends the presence; a second call has no effect. If the broker cannot be reached, the entry expires
   * after `presenceTtlMs`. Never rejects.
   */
  leave(): Promise<void>;
}

/** The presence of all members that are connected to this server. */
export class PresenceLeases {
  readonly #environment: TopicsEnvironment;
  readonly #maxTopics: number;
  readonly #byTopic = new Map<string, Set<PresenceLease>>();

  /**
   * @param maxTopics the maximum number of topics with members; a further topic is refused with `TOPICS_FULL`
   */
  constructor(environment: TopicsEnvironment, maxTopics: number) {
    this.#environment = environment;
    this.#maxTopics = maxTopics;
  }

  /** Keeps an entry with `value` at the broker until `leave`, or until `socket` ends. @throws BrokerError */
  async enter(topic: string, value: string, socket: TopicSocket): Promise<Presence> {
    const entry = { key: crypto.randomUUID(), value };
    const lease: PresenceLease = new PresenceLease(this.#environment, topic, entry, () => {
      stopWatching();
      this.#remove(topic, lease);
    });
    this.#add(topic, lease);
    const stopWatching = onEnd(socket, () => void lease.leave());
    lease.startRenewing();
    try {
      await lease.enter();
    } catch (error) {
      // The broker may have stored the entry.
      void lease.leave();
      throw error;
    }
    return lease;
  }

  /** Ends all leases. Never rejects. */
  async leaveAll(): Promise<void> {
    const leases = [...this.#byTopic.values()].flatMap((ofTopic) => [...ofTopic]);
    await Promise.all(leases.map((lease) => lease.leave()));
  }

  #add(topic: string, lease: PresenceLease): void {
    let leases = this.#byTopic.get(topic);
    if (leases === undefined) {
      if (this.#byTopic.size >= this.#maxTopics) throw topicsFull(this.#maxTopics, "members");
      leases = new Set();
      this.#byTopic.set(topic, leases);
    }
    leases.add(lease);
  }

  #remove(topic: string, lease: PresenceLease): void {
    const leases = this.#byTopic.get(topic);
    leases?.delete(lease);
    if (leases?.size === 0) this.#byTopic.delete(topic);
  }
}

/** Renews an entry at the broker. If the server crashes, the renewals stop and the entry expires. */
class PresenceLease implements Presence {
  readonly #environment: TopicsEnvironment;
  readonly #topic: string;
  readonly #entry: PresenceEntry;
  readonly #onLeft: () => void;
  #stopRenewing: (() => void) | undefined;
  /** The calls of the broker run one after the other, so that a renewal cannot restore a removed entry. */
  #calls: Promise<unknown> = Promise.resolve();
  #left: Promise<void> | undefined;

  constructor(
    environment: TopicsEnvironment,
    topic: string,
    entry: PresenceEntry,
    onLeft: () => void,
  ) {
    this.#environment = environment;
    this.#topic = topic;
    this.#entry = entry;
    this.#onLeft = onLeft;
  }

  startRenewing(): void {
    const { timers, presenceTtlMs } = this.#environment;
    // Two renewals may fail before the entry expires.
    this.#stopRenewing = every(timers, presenceTtlMs / 3, () => {
      this.enter().catch(this.#report);
    });
  }

  /** @throws BrokerError */
  enter(): Promise<void> {
    const { broker, presenceTtlMs } = this.#environment;
    return this.#call(() => broker.enter(this.#topic, this.#entry, presenceTtlMs));
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #leave(): Promise<void> {
    this.#stopRenewing?.();
    const { broker } = this.#environment;
    await this.#call(() => broker.leave(this.#topic, this.#entry.key)).catch(this.#report);
    // After the call, because closing Topics waits for the leases that are still registered.
    this.#onLeft();
  }

  #call(action: () => Promise<void>): Promise<void> {
    const call = this.#calls.then(() => withTimeout(this.#environment, action()));
    this.#calls = call.catch(() => {});
    return call;
  }

  readonly #report = (error: unknown): void => this.#environment.report(error, this.#topic);
}
