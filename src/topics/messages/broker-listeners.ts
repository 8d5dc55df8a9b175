import { BrokerError } from "../../errors/index.ts";
import type { BrokerListener } from "../broker/broker.ts";
import { topicsFull } from "../broker/check-options.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** A listener at the broker for one topic, with the number of its users. */
interface OpenListener<Listener> {
  readonly listener: Listener;
  readonly opened: Promise<void>;
  /** Stops listening, even if the broker answers later. */
  readonly close: () => Promise<void>;
  users: number;
}

/** A use of a listener, which lasts until `release`. A second call of `release` has no effect. */
export interface ListenerUse<Listener> {
  readonly listener: Listener;
  readonly release: () => void;
}

/** The listeners at the broker, at most one for each topic. A listener is open while it has users. */
export class BrokerListeners<Listener extends BrokerListener> {
  readonly #environment: TopicsEnvironment;
  readonly #maxTopics: number;
  readonly #create: (topic: string) => Listener;
  readonly #what: string;
  readonly #byTopic = new Map<string, OpenListener<Listener>>();

  /**
   * @param maxTopics the maximum number of listeners; a further listener is refused with `TOPICS_FULL`
   * @param what the noun for the users of the listeners, for the error message
   */
  constructor(
    environment: TopicsEnvironment,
    maxTopics: number,
    what: string,
    create: (topic: string) => Listener,
  ) {
    this.#environment = environment;
    this.#maxTopics = maxTopics;
    this.#what = what;
    this.#create = create;
  }

  /** The open listeners. */
  get listeners(): readonly Listener[] {
    return Array.from(this.#byTopic.values(), ({ listener }) => listener);
  }

  /** Uses the listener of a topic. Resolves once the broker has subscribed it. @throws BrokerError */
  async use(topic: string): Promise<ListenerUse<Listener>> {
    const open = this.#byTopic.get(topic) ?? this.#open(topic);
    open.users++;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      if (--open.users === 0) void this.#close(topic, open);
    };
    try {
      await open.opened;
    } catch (error) {
      // The next call tries again.
      if (this.#byTopic.get(topic) === open) this.#byTopic.delete(topic);
      release();
      throw error;
    }
    if (this.#byTopic.get(topic) !== open)
      throw new BrokerError("BROKER_CLOSED", "this Topics object is closed");
    return { listener: open.listener, release };
  }

  /** Closes all listeners. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.#byTopic].map(([topic, open]) => this.#close(topic, open)));
  }

  #open(topic: string): OpenListener<Listener> {
    if (this.#byTopic.size >= this.#maxTopics) throw topicsFull(this.#maxTopics, this.#what);
    const listener = this.#create(topic);
    const subscribing = this.#environment.broker.subscribe(topic, listener);
    let isClosed = false;
    const close = async (): Promise<void> => {
      isClosed = true;
      await stop?.();
    };
    let stop: (() => Promise<void>) | undefined;
    const onListening = (stopListening: () => Promise<void>): void => {
      stop = stopListening;
      if (isClosed) stop().catch((error: unknown) => this.#environment.report(error, topic));
    };
    void subscribing.then(onListening, () => {});
    const opened = withTimeout(this.#environment, subscribing).then(() => {});
    const open = { listener, opened, close, users: 0 };
    this.#byTopic.set(topic, open);
    return open;
  }

  async #close(topic: string, open: OpenListener<Listener>): Promise<void> {
    if (this.#byTopic.get(topic) === open) this.#byTopic.delete(topic);
    try {
      await open.close();
    } catch (error) {
      this.#environment.report(error, topic);
    }
  }
}
