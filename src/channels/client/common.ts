/** The exports that the entry points for Node and for browsers share. */
export { TidewayError, UsageError } from "../../errors/index.ts";
export { bytes, type BytesSchema } from "../contract/bytes.ts";
export {
  type CallDefinition,
  type CheckCall,
  type CheckContract,
  type CheckError,
  type CheckTopic,
  type Contract,
  type TopicDefinition,
} from "../contract/contract.ts";
export { defineContract } from "./define-contract.ts";
export { ChannelError, PublicationsLostError } from "../wire/channel-error.ts";

export type { TidewayErrorOptions } from "../../errors/index.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "../../schema/standard-schema.ts";
export type { LossReason } from "../../topic-names/loss-reason.ts";
export type { TopicParamName, TopicParams } from "../../topic-names/topic-pattern.ts";
export type { ChannelErrorCode, ChannelErrorDetails } from "../wire/channel-error.ts";
export type * from "../contract/contract-types.ts";
export type * from "../contract/json-types.ts";
export type * from "../contract/schema-types.ts";
export type * from "./call-interface.ts";
export type * from "./client-interface.ts";
export type * from "./connect-interface.ts";
export type { ChannelEvents, ChannelEventSubscription } from "./events.ts";
export type * from "./topic-interface.ts";
export type {
  ByteStream,
  CompressionOptions,
  ConnectionTarget,
  CreateConnection,
  DecideReconnect,
  EventIterator,
  EventStream,
  EventStreamSource,
  Heartbeat,
  HeartbeatSocket,
  ListenOptions,
  PingHeartbeatOptions,
  Protocols,
  ReconnectDecision,
  ReconnectingWebSocketOptions,
  Subscription,
  Timers,
  TlsMaterial,
  TlsOptions,
  ValueOrProvider,
  WebSocketCloseEvent,
  WebSocketData,
  WebSocketOptions,
} from "../../client/common.ts";
