import type { ChannelMessage, ChannelTopic, PublicationsLost } from "tideway/channels";
import { ExternalStore } from "./external-store.ts";
import { ItemReader, latest, type SequenceEnd } from "./item-reader.ts";
import type { TopicState, UseTopicOptions } from "./use-topic.ts";

type Message = ChannelMessage<unknown>;
type Topic = Pick<ChannelTopic<unknown, unknown>, "messages">;

const DEFAULT_MAX_MESSAGES = 1_000;

/** The latest messages of a topic, to which it subscribes while it runs. */
export class TopicStore extends ExternalStore<TopicState<Message>> {
  readonly #topic: Topic;
  #options: UseTopicOptions;
  /** Where it starts, or continues. */
  #start: Pick<UseTopicOptions, "last" | "since">;
  #reader: ItemReader<Message> | undefined;

  constructor(topic: Topic, options: UseTopicOptions) {
    const retry = (): void => this.#retry();
    super({ status: "pending", messages: [], error: undefined, retry });
    this.#topic = topic;
    this.#options = options;
    const { last, since } = options;
    this.#start = { ...(last !== undefined && { last }), ...(since !== undefined && { since }) };
  }

  /** Sets the options of the latest render. */
  setOptions(options: UseTopicOptions): void {
    this.#options = options;
  }

  protected override start(): void {
    // A subscription that has failed would fail again: only `retry` starts it.
    if (this.getSnapshot().status !== "failed") this.#read();
  }

  protected override stop(): void {
    this.#reader?.stop();
  }

  #read(): void {
    this.#reader = new ItemReader<Message>(
      (signal) => this.#messages(signal),
      () => this.#maxMessages,
      (messages, end) => this.#add(messages, end),
    );
  }

  #messages(signal: AbortSignal): AsyncIterable<Message> {
    const onLost = (loss: PublicationsLost): void => {
      // The messages before the loss set an earlier position.
      this.#reader?.flush();
      this.#start = { since: loss.position };
      this.#options.onLost?.(loss);
    };
    return this.#topic.messages({
      ...this.#start,
      signal,
      onSubscribed: () => {
        if (!signal.aborted) this.#activate();
      },
      ...(this.#options.onLost !== undefined && { onLost }),
    });
  }

  #activate(): void {
    const { status, messages, retry } = this.getSnapshot();
    if (status === "pending") this.update({ status: "active", messages, error: undefined, retry });
  }

  get #maxMessages(): number {
    return this.#options.maxMessages ?? DEFAULT_MAX_MESSAGES;
  }

  #add(added: readonly Message[], end?: SequenceEnd): void {
    const { messages: before, retry } = this.getSnapshot();
    const messages = latest([...before, ...added], this.#maxMessages);
    const position = added.at(-1)?.position;
    // Messages of volatile topics have no position.
    if (position !== undefined) this.#start = { since: position };
    const error = end?.error;
    const status = error === undefined ? "active" : "failed";
    this.update({ status, messages, error, retry } as TopicState<Message>);
  }

  #retry(): void {
    const { status, error, messages, retry } = this.getSnapshot();
    if (status !== "failed") return;
    const lost = positionOf(error);
    // The messages so far and the next ones do not follow each other, so it starts with the latest ones again.
    if (lost !== undefined) this.#start = this.#startAfterLoss(lost);
    const kept = lost === undefined ? messages : [];
    this.update({ status: "pending", messages: kept, error: undefined, retry });
    if (this.isRunning) this.#read();
  }

  #startAfterLoss(position: string): Pick<UseTopicOptions, "last" | "since"> {
    const { last } = this.#options;
    return last === undefined ? { since: position } : { last };
  }
}

/** The position where a topic continues after a loss, from a `PublicationsLostError`. */
function positionOf(
  error: (Error & { readonly position?: unknown }) | undefined,
): string | undefined {
  return typeof error?.position === "string" ? error.position : undefined;
}
