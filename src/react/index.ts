"use client";

/**
 * `tideway/react`: hooks for the client of `tideway/channels`. They open nothing while rendering on a server,
 * and work in StrictMode.
 *
 * ```tsx
 * import { connect } from "tideway/channels";
 * import { useClient, useTopic } from "tideway/react";
 *
 * function Room({ room }: { room: string }) {
 *   const client = useClient(() => connect<typeof contract>("wss://example.com/api"));
 *   const { messages, error } = useTopic(client, "rooms/:room", { room }, { last: 50 });
 *   if (error) return <p role="alert">{error.message}</p>;
 *   return <ol>{messages.map(({ data, position }) => <li key={position}>{data.text}</li>)}</ol>;
 * }
 * ```
 *
 * @module
 */
export type { TopicArguments } from "./arguments.ts";
export { type CallState, useCall } from "./use-call.ts";
export { useClient } from "./use-client.ts";
export { useConnectionState } from "./use-connection-state.ts";
export { type MembersState, type PresencePatternOf, useMembers } from "./use-members.ts";
export { type StreamState, useStream, type UseStreamOptions } from "./use-stream.ts";
export {
  type TopicMessageOf,
  type TopicState,
  useTopic,
  type UseTopicOptions,
} from "./use-topic.ts";
