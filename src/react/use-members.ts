import { useMemo } from "react";
import type {
  ChannelClient,
  ChannelMember,
  Contract,
  MemberDataOf,
  TopicOf,
  TopicPatternOf,
  TopicsOf,
} from "tideway/channels";
import type { TopicArguments } from "./arguments.ts";
import { MembersStore } from "./members-store.ts";
import { useSnapshot } from "./use-snapshot.ts";

/** The result of {@link useMembers}. It is the same object until something changes. */
export type MembersState<Data> = {
  /** The members, as far as the client knows them. */
  readonly members: readonly ChannelMember<Data>[];
  /** If the status is `failed`, asks for the members again. No effect otherwise. */
  readonly retry: () => void;
} & (
  | { readonly status: "idle" | "pending" | "active"; readonly error: undefined }
  | { readonly status: "failed"; readonly error: Error }
);

/** The patterns of the topics of a contract that have members. */
export type PresencePatternOf<C extends Contract> = {
  [Pattern in TopicPatternOf<C>]: TopicsOf<C>[Pattern] extends { readonly member: unknown }
    ? Pattern
    : never;
}[TopicPatternOf<C>];

/**
 * Watches the members of a topic while the component is mounted, and returns them. It does not enter the topic:
 * `enter` of the client's topic does.
 *
 * | `status` | `members` | `error` |
 * | --- | --- | --- |
 * | `idle`: rendered on a server, the first render of a page from a server, or no client | none | - |
 * | `pending`: the client does not know the members yet | none | - |
 * | `active`: the client knows the members, or it knew them and now waits for a connection | the latest known | - |
 * | `failed`: the server refused or ended it, or the client has closed | the latest known | a `ChannelError` |
 *
 * @param client the client, or `undefined` to watch nothing
 * @throws UsageError `INVALID_PARAM` or `INVALID_TOPIC_NAME` during rendering, as `topic` of the client does
 * @example
 * ```tsx
 * const { members } = useMembers(client, "rooms/:room", { room: "tides" });
 * return <ul>{members.map(({ id, data }) => <li key={id}>{data.name}</li>)}</ul>;
 * ```
 */
export function useMembers<C extends Contract, const Pattern extends PresencePatternOf<C>>(
  client: ChannelClient<C> | undefined,
  pattern: Pattern,
  ...args: TopicArguments<Pattern, never>
): MembersState<MemberDataOf<TopicOf<C, Pattern>>>;
export function useMembers(
  client: ChannelClient | undefined,
  pattern: string,
  params?: { readonly [name: string]: string },
): MembersState<unknown> {
  const topic = client?.topic(pattern, params);
  const store = useMemo(() => topic && new MembersStore(topic), [client, topic?.name]);
  return useSnapshot(store, IDLE);
}

const IDLE: MembersState<unknown> = {
  status: "idle",
  members: [],
  error: undefined,
  retry: () => {},
};
