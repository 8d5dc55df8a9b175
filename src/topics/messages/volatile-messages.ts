import { UsageError } from "../../errors/index.ts";
import type { Broker, BrokerListener, VolatileMessage } from "../broker/broker.ts";
import { isShortText, notShortText } from "../broker/check-options.ts";
import type { TopicData } from "../broker/publication.ts";
import { BrokerListeners } from "./broker-listeners.ts";
import { copyData } from "./publish.ts";
import type { TopicSettings } from "./topic-options.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** Options of `topic.send`. */
export interface SendOptions {
  /** Identifies the sender for listeners: 1 to 128 characters. Default: no sender. */
  readonly sender?: string;
}

/** Receives the volatile messages of a topic. If it throws, `onError` of `Topics` gets the error. */
export type MessageListener = (message: VolatileMessage) => void;

/** The registration of a listener: the result of `topic.listen`. */
export interface MessageListening extends Disposable {
  /** Stops calling the listener. A second call has no effect. */
  stop(): void;
}

/** The listeners to volatile messages on this server. */
export class VolatileMessages {
  readonly #environment: TopicsEnvironment;
  readonly #listeners: BrokerListeners<MessageFanOut>;

  /**
   * @param maxTopics the maximum number of topics with listeners; a further topic is refused with
   *   `TOPICS_FULL`
   */
  constructor(environment: TopicsEnvironment, maxTopics: number) {
    this.#environment = environment;
    this.#listeners = new BrokerListeners(
      environment,
      maxTopics,
      "listeners to volatile messages",
      (topic) => new MessageFanOut((error) => environment.report(error, topic)),
    );
  }

  /** Sends a message to the listeners of a topic. See `Topic.send`. */
  async send(
    topic: string,
    { maxPublicationBytes }: TopicSettings,
    data: TopicData,
    { sender }: SendOptions,
  ): Promise<void> {
    const { broker } = this.#environment;
    checkCanSend(broker);
    const copy = copyData(data, maxPublicationBytes);
    checkSender(sender);
    const message = sender === undefined ? { data: copy } : { data: copy, sender };
    await withTimeout(this.#environment, broker.send(topic, message));
  }

  /** Adds a listener to the messages of a topic. See `Topic.listen`. */
  async listen(topic: string, listener: MessageListener): Promise<MessageListening> {
    checkCanSend(this.#environment.broker);
    const { listener: fanOut, release } = await this.#listeners.use(topic);
    // A new function, so that the same listener can be added twice.
    const call: MessageListener = (message) => listener(message);
    fanOut.listeners.add(call);
    const stop = (): void => {
      if (fanOut.listeners.delete(call)) release();
    };
    return { stop, [Symbol.dispose]: stop };
  }

  /** Ends all listeners. Never rejects. */
  async close(): Promise<void> {
    for (const { listeners } of this.#listeners.listeners) listeners.clear();
    await this.#listeners.close();
  }
}

/** Calls the listeners to the messages of one topic. */
class MessageFanOut implements BrokerListener {
  readonly listeners = new Set<MessageListener>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  onPublication(): void {}

  onInterruption(): void {}

  onPresenceChange(): void {}

  onMessage(message: VolatileMessage): void {
    for (const listener of this.listeners) {
      try {
        listener(message);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}

/** @throws UsageError `INVALID_SENDER` */
function checkSender(sender: unknown): void {
  if (sender === undefined || isShortText(sender)) return;
  throw new UsageError("INVALID_SENDER", notShortText("sender", sender));
}

/** @throws UsageError `SEND_UNSUPPORTED` if the broker has no volatile messages */
function checkCanSend(
  broker: Broker,
): asserts broker is Broker & { send: NonNullable<Broker["send"]> } {
  if (broker.send !== undefined) return;
  throw new UsageError(
    "SEND_UNSUPPORTED",
    "the broker has no method send, so topics have no volatile messages; use a broker with send, or publish",
  );
}
