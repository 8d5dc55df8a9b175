import type { DebugLog } from "../../errors/debug-log.ts";
import type { BrokerListener } from "../broker/broker.ts";
import { topicsFull } from "../broker/check-options.ts";
import type { NatsConnection } from "./nats-client.ts";
import type { Tail } from "./nats-record.ts";
import { type NatsLiveTopic, NatsTopicListening } from "./nats-topic-listening.ts";

/** The environment of `NatsSubscriptions`. */
export interface NatsSubscriptionsEnvironment {
  /** The maximum number of topics with listeners; a further topic is refused with `TOPICS_FULL`. */
  readonly maxTopics: number;
  /** Called after each reconnect, before `onInterruption` of the listeners. */
  readonly onReconnect: () => void;
  readonly log: DebugLog;
}

/** The listeners of all topics. */
export class NatsSubscriptions {
  readonly #connection: NatsConnection;
  readonly #environment: NatsSubscriptionsEnvironment;
  readonly #topics = new Map<string, NatsTopicListening>();
  /** The number of topics with listeners. */
  #listenedTopics = 0;
  /** The next flush, which all calls in one turn of the event loop share. */
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  constructor(connection: NatsConnection, environment: NatsSubscriptionsEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
    void this.#watchStatus();
  }

  /**
   * Listens to a topic. Resolves with a function that stops listening. Rejects with the error of the client if NATS
   * cannot be reached, or refuses a subscription.
   */
  async listen(
    name: string,
    topic: NatsLiveTopic,
    listener: BrokerListener,
  ): Promise<() => Promise<void>> {
    const isNew = this.#topics.get(name)?.hasListeners !== true;
    const { maxTopics } = this.#environment;
    if (isNew && this.#listenedTopics >= maxTopics) throw topicsFull(maxTopics);
    if (isNew) this.#listenedTopics++;
    const listening = this.#open(name, topic);
    const remove = listening.add(listener);
    const stop = (): void => {
      if (!remove()) return;
      if (!listening.hasListeners) this.#listenedTopics--;
      this.#closeUnused(name, listening);
    };
    try {
      await this.flush();
      // NATS answers a subscription only if it refuses it, and before it answers the flush.
      listening.checkAccepted();
    } catch (error) {
      stop();
      throw error;
    }
    return async () => stop();
  }

  /** Calls back with the position of each message of a topic. Returns a function that stops it. */
  follow(name: string, topic: NatsLiveTopic, onPlaced: (tail: Tail) => void): () => void {
    const listening = this.#open(name, topic);
    const stop = listening.follow(onPlaced);
    return () => {
      stop();
      this.#closeUnused(name, listening);
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const listening of this.#topics.values()) listening.close();
    this.#topics.clear();
  }

  #open(name: string, topic: NatsLiveTopic): NatsTopicListening {
    const listening = this.#topics.get(name) ?? new NatsTopicListening(this.#connection, topic);
    this.#topics.set(name, listening);
    return listening;
  }

  #closeUnused(name: string, listening: NatsTopicListening): void {
    if (!listening.isUnused) return;
    listening.close();
    if (this.#topics.get(name) === listening) this.#topics.delete(name);
  }

  /** Resolves when NATS has processed everything that was sent in this turn of the event loop. */
  flush(): Promise<void> {
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return this.#connection.flush();
    });
    return this.#flushing;
  }

  #logStatus(type: string): void {
    const { log } = this.#environment;
    if (!log.isEnabled || type === "ping" || type === "update") return;
    const { size } = this.#topics;
    log.write(() =>
      type === "reconnect"
        ? `NATS broker recovered: subscribed to ${size} topics again`
        : `NATS broker ${INTERRUPTIONS.includes(type) ? "interrupted" : "status"}: ${type}`,
    );
  }

  /**
   * Calls `onInterruption` on all listeners after each reconnect. When the client reports a reconnect, it has
   * already restored its subscriptions.
   */
  async #watchStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#isClosed) return;
      this.#logStatus(type);
      if (type !== "reconnect") continue;
      this.#environment.onReconnect();
      for (const listening of this.#topics.values()) listening.restart();
    }
  }
}

/** The status types after which messages may be lost. */
const INTERRUPTIONS = ["disconnect", "staleConnection", "close"];
