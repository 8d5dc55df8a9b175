import type { ChannelError } from "tideway/channels";
import { textOf } from "./channel-reader.ts";
import type { PublisherLog, PublishOutcome } from "./log.ts";
import { delay, randomUpTo, repeatAtRandom } from "./pace.ts";

/** The part of a topic of a channel client that a publisher uses. */
export interface WritableTopic {
  readonly name: string;
  publish(
    data: unknown,
    options?: { readonly id?: string },
  ): Promise<{ readonly position?: string }>;
}

interface Publish {
  readonly id: string;
  outcome: PublishOutcome | undefined;
}

const MAX_BURST = 4;
/** The time before the outbox publishes a message again. */
const RETRY_AFTER_MS = 500;

/**
 * Publishes to a topic through a channel client, and logs how each publish ends. With an outbox, it publishes
 * one message at a time, with its own id, until the server has stored it. Otherwise it publishes several
 * messages at once, and a rejected one is not published again.
 */
export class ChannelPublisher {
  readonly stop: () => void;
  readonly #name: string;
  readonly #topic: WritableTopic;
  readonly #hasOutbox: boolean;
  readonly #publishes: Publish[] = [];
  #pending = 0;
  /** The last publish of the outbox. */
  #last: Promise<void> = Promise.resolve();

  constructor(name: string, topic: WritableTopic, hasOutbox: boolean, everyMs: number) {
    this.#name = name;
    this.#topic = topic;
    this.#hasOutbox = hasOutbox;
    this.stop = repeatAtRandom(() => this.#publishSome(), everyMs * ((MAX_BURST + 1) / 2));
  }

  get pending(): number {
    return this.#pending;
  }

  get log(): PublisherLog {
    const { name: topic } = this.#topic;
    return { name: this.#name, topic, isOrdered: true, publishes: this.#publishes };
  }

  #publishSome(): void {
    for (let count = randomUpTo(MAX_BURST); count > 0; count--) {
      const publish = { id: `${this.#name}-${this.#publishes.length}`, outcome: undefined };
      this.#publishes.push(publish);
      this.#pending++;
      if (this.#hasOutbox) this.#last = this.#last.then(() => this.#publishUntilStored(publish));
      else void this.#publish(publish);
    }
  }

  async #publishUntilStored(publish: Publish): Promise<void> {
    for (;;) {
      await this.#tryOnce(publish, { id: publish.id });
      if (publish.outcome?.type !== "failed" || publish.outcome.code === "CLIENT_CLOSED") break;
      await delay(RETRY_AFTER_MS);
    }
    this.#pending--;
  }

  async #publish(publish: Publish): Promise<void> {
    await this.#tryOnce(publish, {});
    this.#pending--;
  }

  async #tryOnce(publish: Publish, options: { readonly id?: string }): Promise<void> {
    const text = textOf(publish.id);
    const data = this.#topic.name.startsWith("bytes/") ? new TextEncoder().encode(text) : text;
    try {
      const { position = "none" } = await this.#topic.publish(data, options);
      publish.outcome = { type: "stored", position };
    } catch (error) {
      const { code = String(error), mayBeStored } = error as Partial<ChannelError>;
      // An earlier attempt of the outbox may have stored it.
      const mayBeEarlier = publish.outcome?.type === "failed" && publish.outcome.mayBeStored;
      publish.outcome = { type: "failed", code, mayBeStored: mayBeEarlier || mayBeStored };
    }
  }
}
