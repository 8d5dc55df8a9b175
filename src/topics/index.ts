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
} from "./broker.ts";
export type { EnterOptions, LeaveOptions } from "./enter-options.ts";
export type { MemberChange, MemberListener, MemberWatch } from "./member-watches.ts";
export { MemoryBroker, type MemoryBrokerOptions } from "./memory-broker.ts";
export { formatPosition, type Position, readPosition } from "./position.ts";
export type { Presence } from "./presence-lease.ts";
export type { HistoryPage, Publication, TopicData } from "./publication.ts";
export type { PublishOptions, PublishResult } from "./publish.ts";
export type { Timers } from "./timers.ts";
export type { SubscribeOptions, TopicSubscription } from "./subscription.ts";
export type { HistoryOptions, Topic } from "./topic.ts";
export {
  dataOnly,
  type EncodeTopicMessage,
  envelope,
  type Member,
  type TopicMessage,
} from "./topic-message.ts";
export type { TopicOptions } from "./topic-options.ts";
export type { SharedMessage, TopicSocket, TopicTarget } from "./topic-socket.ts";
export { Topics, type TopicsOptions } from "./topics.ts";
export type { MessageListener, MessageListening, SendOptions } from "./volatile-messages.ts";
export { isTopicName } from "../topic-names/topic-name.ts";
