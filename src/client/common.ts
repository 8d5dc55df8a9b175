/** The exports that the entry points for Node and for browsers share. */
export { heartbeat } from "./heartbeat.ts";
export { EventStream } from "../streams/event-stream.ts";
export { CloseCode } from "../protocol/close-code.ts";
export {
  type UnexpectedStatusDetails,
  UnexpectedStatusError,
} from "../protocol/handshake/unexpected-status-error.ts";
export {
  ConnectionClosedError,
  HandshakeError,
  ProtocolError,
  TidewayError,
  TransportError,
  UsageError,
} from "../errors/index.ts";

export type { ClosedBy, ConnectionClosedDetails, TidewayErrorOptions } from "../errors/index.ts";
export type { HeaderFields } from "../protocol/handshake/header-fields.ts";
export type { CompressionOptions } from "../protocol/deflate/settings.ts";
export type { CloseEventConstructor, CloseEventInit, WebSocketCloseEvent } from "./close-event.ts";
export type { ByteStream, ConnectionTarget, CreateConnection } from "./connection-target.ts";
export type { EventHandler } from "./event-handlers.ts";
export type {
  EventListenerList,
  EventStreamProvider,
  WebSocketLike,
  WebSocketStreamProviders,
  WebSocketStreams,
} from "./event-streams.ts";
export type { ClientHeartbeatOptions } from "./heartbeat.ts";
export type { PingHeartbeatOptions, TlsMaterial, TlsOptions, WebSocketOptions } from "./options.ts";
export type { HttpProxyOptions } from "./proxy-options.ts";
export type { ReconnectDecision } from "./reconnect-policy.ts";
export type {
  DecideReconnect,
  Heartbeat,
  HeartbeatSocket,
  Protocols,
  ReconnectEvent,
  ReconnectingEventMap,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketInstance,
  ReconnectingWebSocketOptions,
  Timers,
  ValueOrProvider,
} from "./reconnecting-interface.ts";
export type {
  TypedEventTarget,
  WebSocketErrorEvent,
  WebSocketEventMap,
  WebSocketMessageEvent,
  WebSocketOpenEvent,
} from "./web-socket-events.ts";
export type {
  BinaryType,
  ReadyStateConstants,
  WebSocketConstructor,
  WebSocketData,
  WebSocketInstance,
} from "./web-socket-interface.ts";
export type { WebSocketCloseInfo } from "./web-socket-error.ts";
export type {
  WebSocketOpenInfo,
  WebSocketStreamChunk,
  WebSocketStreamConstructor,
  WebSocketStreamInstance,
  WebSocketStreamOptions,
} from "./web-socket-stream-interface.ts";
export type { EventStreamSource, Subscription } from "../streams/subscription.ts";
export type { EventIterator } from "../streams/event-iterator.ts";
export type { ListenOptions } from "../streams/event-stream.ts";
