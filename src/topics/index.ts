/**
 * `tideway/topics`: publish and subscribe, on one server or many. Each subscriber gets each publication once
 * and in order, or a notice that some were lost.
 *
 * ```ts
 * import { serve } from "tideway/server";
 * import { Topics } from "tideway/topics";
 *
 * const topics = new Topics();
 * const server = await serve({
 *   routes: {
 *     "ws:/news": async (socket, { url }) => {
 *       socket.listen(() => {});
 *       await topics.topic("news").subscribe(socket, { since: url.searchParams.get("since") });
 *     },
 *   },
 * });
 * await topics.topic("news").publish("hello");
 * ```
 *
 * @module
 */
export {
  BrokerError,
  TidewayError,
  type TidewayErrorOptions,
  UsageError,
} from "../errors/index.ts";
export type { LossReason } from "../topic-names/loss-reason.ts";
export type {
  Broker,
  BrokerListener,
  BrokerPage,
  BrokerPublishResult,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  Retention,
  VolatileMessage,
} from "./broker/broker.ts";
export type { EnterOptions, LeaveOptions } from "./presence/enter-options.ts";
export type { MemberChange, MemberListener, MemberWatch } from "./presence/member-watches.ts";
export { MemoryBroker, type MemoryBrokerOptions } from "./broker/memory-broker.ts";
export { formatPosition, type Position, readPosition } from "./broker/position.ts";
export type { Presence } from "./presence/presence-lease.ts";
export type { HistoryPage, Publication, TopicData } from "./broker/publication.ts";
export type { PublishOptions, PublishResult } from "./messages/publish.ts";
export type { Timers } from "./broker/timers.ts";
export type { SubscribeOptions, TopicSubscription } from "./subscribers/subscription.ts";
export type { HistoryOptions, Topic } from "./topic.ts";
export {
  dataOnly,
  type EncodeTopicMessage,
  envelope,
  type Member,
  type TopicMessage,
} from "./messages/topic-message.ts";
export type { TopicOptions } from "./messages/topic-options.ts";
export type { SharedMessage, TopicSocket, TopicTarget } from "./messages/topic-socket.ts";
export { Topics, type TopicsOptions } from "./topics.ts";
export type {
  MessageListener,
  MessageListening,
  SendOptions,
} from "./messages/volatile-messages.ts";
export { isTopicName } from "../topic-names/topic-name.ts";
