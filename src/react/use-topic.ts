import { useEffect, useMemo } from "react";
import type {
  ChannelClient,
  ChannelMessage,
  Contract,
  MessageOf,
  PublicationsLost,
  TopicOf,
  TopicPatternOf,
  VolatileChannelMessage,
} from "tideway/channels";
import type { TopicArguments } from "./arguments.ts";
import { TopicStore } from "./topic-store.ts";
import { useSnapshot } from "./use-snapshot.ts";

/** Options of {@link useTopic}. */
export interface UseTopicOptions {
  /** The number of latest publications to start with. Default: 0. Not together with `since`. */
  readonly last?: number;
  /** The position after which to start. Default: the first message is the next publication. */
  readonly since?: string;
  /** The maximum number of messages to keep; the oldest ones are dropped. Default: 1,000. */
  readonly maxMessages?: number;
  /**
   * Called when publications were lost, before any later message. The messages then continue. Default: the
   * status becomes `failed`, with a `PublicationsLostError`.
   */
  readonly onLost?: (loss: PublicationsLost) => void;
}

/** The result of {@link useTopic}. It is the same object until something changes. */
export type TopicState<Message> = {
  /** The latest messages, the newest at the end. */
  readonly messages: readonly Message[];
  /**
   * If the status is `failed`, subscribes again, after the last message. After a loss it starts without
   * messages: with the latest `last`, or, without this option, after the loss. No effect otherwise.
   */
  readonly retry: () => void;
} & (
  | { readonly status: "idle" | "pending" | "active"; readonly error: undefined }
  | { readonly status: "failed"; readonly error: Error }
);

/** A message of a topic of a contract, as subscribers get it. */
export type TopicMessageOf<Topic> = Topic extends { readonly isVolatile: true }
  ? VolatileChannelMessage<MessageOf<Topic>>
  : ChannelMessage<MessageOf<Topic>>;

/**
 * Subscribes to a topic while the component is mounted, and returns its latest messages. It subscribes again
 * when the client, the name of the topic, `last` or `since` changes. Many messages render the component once.
 *
 * | `status` | `messages` | `error` |
 * | --- | --- | --- |
 * | `idle`: rendered on a server, the first render of a page from a server, or no client | none | - |
 * | `pending`: the server has not accepted the subscription yet; show that it is loading | none, or the earlier ones after `retry` | - |
 * | `active`: the server has accepted the subscription; also while the client waits for a new connection | those so far | - |
 * | `failed`: the subscription was refused or has ended, or publications were lost | the earlier ones | the error |
 *
 * The error is a `PublicationsLostError` if publications were lost, otherwise a `ChannelError`. The subscription
 * ends when the server ends it, or the client closes.
 *
 * StrictMode does not interrupt the subscription. If React hides the component and shows it again, such as in
 * `<Activity>`, the hook continues after the last message.
 *
 * @param client the client, or `undefined` to subscribe to nothing
 * @throws UsageError `INVALID_PARAM` or `INVALID_TOPIC_NAME` during rendering, as `topic` of the client does
 * @example
 * ```tsx
 * const { status, messages, error } = useTopic(client, "rooms/:room", { room: "tides" }, { last: 50 });
 * if (error) return <p role="alert">{error.message}</p>;
 * if (status === "pending") return <p>Loading</p>;
 * return <ol>{messages.map(({ data, position }) => <li key={position}>{data.text}</li>)}</ol>;
 * ```
 */
export function useTopic<C extends Contract, const Pattern extends TopicPatternOf<C>>(
  client: ChannelClient<C> | undefined,
  pattern: Pattern,
  ...args: TopicArguments<Pattern, UseTopicOptions>
): TopicState<TopicMessageOf<TopicOf<C, Pattern>>>;
export function useTopic(
  client: ChannelClient | undefined,
  pattern: string,
  params?: { readonly [name: string]: string },
  options: UseTopicOptions = {},
): TopicState<ChannelMessage<unknown>> {
  const topic = client?.topic(pattern, params);
  const { last, since } = options;
  const store = useMemo(
    () => topic && new TopicStore(topic, options),
    [client, topic?.name, last, since],
  );
  useEffect(() => store?.setOptions(options));
  return useSnapshot(store, IDLE);
}

const IDLE: TopicState<ChannelMessage<unknown>> = {
  status: "idle",
  messages: [],
  error: undefined,
  retry: () => {},
};
