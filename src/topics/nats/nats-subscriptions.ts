import type { DebugLog } from "../../errors/debug-log.ts";
import type { BrokerListener } from "../broker.ts";
import { topicsFull } from "../options.ts";
import { decodeRecord, readRecordPosition } from "../payload.ts";
import type { NatsConnection, NatsMessage } from "./nats-client.ts";
import type { Tail } from "./nats-log.ts";
import { isPresenceChange } from "./nats-presence.ts";
import { textOf } from "./nats-stream.ts";
import type { LiveSubjects } from "./nats-subjects.ts";

/** The listeners to each topic, each with separate subscriptions. */
export class NatsSubscriptions {
  readonly #connection: NatsConnection;
  readonly #maxTopics: number;
  readonly #log: DebugLog;
  /** The listeners, by the functions that stop their subscriptions. */
  readonly #listeners = new Map<() => void, BrokerListener>();
  /** The number of listeners to each topic. */
  readonly #counts = new Map<string, number>();
  #isClosed = false;

  /** @param maxTopics the maximum number of topics with listeners; a further one rejects with `TOPICS_FULL` */
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
    this.#count(topic);
    const live = this.#connection.subscribe(subjects.publications, {
      callback: (error, message) => {
        if (error === null) deliver(message, listener, onTail);
        else listener.onInterruption();
      },
    });
    const presence = this.#connection.subscribe(subjects.presence, {
      callback: (error, message) => {
        if (error !== null || isPresenceChange(textOf(message))) listener.onPresenceChange();
      },
    });
    const stop = (): void => {
      live.unsubscribe();
      presence.unsubscribe();
      if (this.#listeners.delete(stop)) this.#uncount(topic);
    };
    this.#listeners.set(stop, listener);
    try {
      await this.#connection.flush();
    } catch (error) {
      stop();
      throw error;
    }
    return async () => stop();
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#listeners.keys()) stop();
  }

  #logStatus(type: string): void {
    if (!this.#log.isEnabled || type === "ping" || type === "update") return;
    const { size } = this.#counts;
    this.#log.write(() =>
      type === "reconnect"
        ? `NATS broker recovered: subscribed to ${size} topics again`
        : `NATS broker ${INTERRUPTIONS.includes(type) ? "interrupted" : "status"}: ${type}`,
    );
  }

  #count(topic: string): void {
    const count = this.#counts.get(topic) ?? 0;
    if (count === 0 && this.#counts.size >= this.#maxTopics) throw topicsFull(this.#maxTopics);
    this.#counts.set(topic, count + 1);
  }

  #uncount(topic: string): void {
    const count = this.#counts.get(topic)! - 1;
    if (count === 0) this.#counts.delete(topic);
    else this.#counts.set(topic, count);
  }

  /**
   * Calls `onInterruption` of all listeners after each reconnect. The client has restored its subscriptions
   * when it reports a reconnect.
   */
  async #watchStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#isClosed) return;
      this.#logStatus(type);
      if (type !== "reconnect") continue;
      for (const listener of this.#listeners.values()) listener.onInterruption();
    }
  }
}

/** The types of status that mean that messages may be lost. */
const INTERRUPTIONS = ["disconnect", "staleConnection", "close"];

function deliver(
  message: NatsMessage,
  listener: BrokerListener,
  onTail: (tail: Tail) => void,
): void {
  const text = textOf(message);
  const publication = decodeRecord(text);
  const position = readRecordPosition(text);
  const sequence = Number(message.headers?.get("Nats-Sequence"));
  if (position !== undefined && sequence > 0) onTail({ position, sequence });
  if (publication !== undefined) listener.onPublication(publication);
  // A mark, or an unreadable message: the listener must read the stream.
  else listener.onInterruption();
}
