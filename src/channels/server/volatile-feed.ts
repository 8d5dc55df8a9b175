import type { MessageListening, Topic } from "../../topics/index.ts";
import type { SharedPublication } from "./shared-publication.ts";

/** A subscriber to volatile messages. */
export interface VolatileSubscriber {
  /** Sends a message, or keeps it as the latest of its sender. */
  offer(sender: string, message: SharedPublication): void;
}

/** The subscribers to a volatile topic on this server. They share one listener, and each message. */
export class VolatileFeed {
  readonly #topic: Topic;
  readonly #encode: (data: string | Uint8Array) => SharedPublication;
  readonly #subscribers = new Set<VolatileSubscriber>();
  /** The number of subscribers, including subscribers that wait until the broker listens. */
  #users = 0;
  #listening: Promise<MessageListening> | undefined;

  constructor(topic: Topic, encode: (data: string | Uint8Array) => SharedPublication) {
    this.#topic = topic;
    this.#encode = encode;
  }

  /** Resolves when the subscriber gets every message that is sent from now on. @throws BrokerError */
  async add(subscriber: VolatileSubscriber): Promise<void> {
    this.#users++;
    this.#listening ??= this.#topic.listen(({ data, sender = "" }) => this.#deliver(sender, data));
    try {
      await this.#listening;
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: VolatileSubscriber): void {
    if (this.#subscribers.delete(subscriber)) this.#release();
  }

  #deliver(sender: string, data: string | Uint8Array): void {
    if (this.#subscribers.size === 0) return;
    const message = this.#encode(data);
    for (const subscriber of this.#subscribers) subscriber.offer(sender, message);
  }

  #release(): void {
    this.#users--;
    if (this.#users > 0) return;
    const listening = this.#listening;
    this.#listening = undefined;
    listening?.then(
      (listener) => listener.stop(),
      () => {},
    );
  }
}
