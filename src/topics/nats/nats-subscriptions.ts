import type { DebugLog } from "../../errors/debug-log.ts";
import type { BrokerListener } from "../broker.ts";
import { topicsFull } from "../options.ts";
import type { NatsConnection } from "./nats-client.ts";
import type { Tail } from "./nats-log.ts";
import type { LiveSubjects } from "./nats-subjects.ts";
import { NatsTopicListening } from "./nats-topic-listening.ts";

/** The listeners of all topics. */
export class NatsSubscriptions {
  readonly #connection: NatsConnection;
  readonly #maxTopics: number;
  readonly #log: DebugLog;
  readonly #topics = new Map<string, NatsTopicListening>();
  /** The next flush, which all calls in one turn of the event loop share. */
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  /**
   * @param maxTopics the maximum number of topics with listeners; a further topic is refused with
   *   `TOPICS_FULL`
   */
  constructor(connection: NatsConnection, maxTopics: number, log: DebugLog) {
    this.#connection = connection;
    this.#maxTopics = maxTopics;
    this.#log = log;
    void this.#watchStatus();
  }

  /**
   * Listens to a topic. Resolves with a function that stops listening.
   *
   * @param onTail called with the position of each message, before the listener
   */
  async listen(
    topic: string,
    subjects: LiveSubjects,
    listener: BrokerListener,
    onTail: (tail: Tail) => void,
  ): Promise<() => Promise<void>> {
    const listening = this.#topics.get(topic) ?? this.#open(topic, subjects, onTail);
    const remove = listening.add(listener);
    const stop = (): void => {
      if (!remove()) return;
      listening.close();
      if (this.#topics.get(topic) === listening) this.#topics.delete(topic);
    };
    try {
      await this.#flush();
    } catch (error) {
      stop();
      throw error;
    }
    return async () => stop();
  }

  close(): void {
    this.#isClosed = true;
    for (const listening of this.#topics.values()) listening.close();
    this.#topics.clear();
  }

  #open(topic: string, subjects: LiveSubjects, onTail: (tail: Tail) => void): NatsTopicListening {
    if (this.#topics.size >= this.#maxTopics) throw topicsFull(this.#maxTopics);
    const listening = new NatsTopicListening(this.#connection, subjects, onTail);
    this.#topics.set(topic, listening);
    return listening;
  }

  /** Resolves when NATS has processed all subscriptions of this turn of the event loop. */
  #flush(): Promise<void> {
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return this.#connection.flush();
    });
    return this.#flushing;
  }

  #logStatus(type: string): void {
    if (!this.#log.isEnabled || type === "ping" || type === "update") return;
    const { size } = this.#topics;
    this.#log.write(() =>
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
      for (const listening of this.#topics.values()) listening.interrupt();
    }
  }
}

/** The status types after which messages may be lost. */
const INTERRUPTIONS = ["disconnect", "staleConnection", "close"];
