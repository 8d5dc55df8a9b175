/** What the entry points of the client have in common, whatever their runtime. */
export { heartbeat } from "./heartbeat.ts";
export { defineReconnectingWebSocket } from "./reconnecting-web-socket.ts";
export { withEventStreams } from "./event-streams.ts";
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
export type { CloseEventInit } from "./close-event.ts";
export type { ByteStream, ConnectionTarget, CreateConnection } from "./connection-target.ts";
export type { EventHandler } from "./event-handlers.ts";
export type {
  EventListenerList,
  EventStreamProvider,
  WebSocketLike,
  WebSocketStreams,
} from "./event-streams.ts";
export type { HeartbeatOptions } from "./heartbeat.ts";
export type { PingHeartbeatOptions, TlsMaterial, TlsOptions, WebSocketOptions } from "./options.ts";
export type { HttpProxyOptions, ProxyEnvironment } from "./proxy-options.ts";
export type { ReconnectDecision } from "./reconnect-policy.ts";
export type {
  Asked,
  DecideReconnect,
  Heartbeat,
  HeartbeatSocket,
  Protocols,
  ReconnectEvent,
  ReconnectingEventMap,
  ReconnectingWebSocketOptions,
  Timers,
} from "./reconnecting-interface.ts";
export type {
  WebSocketErrorEvent,
  WebSocketOpenEvent,
  WebSocketEventMap,
  WebSocketMessageEvent,
} from "./web-socket-events.ts";
export type { BinaryType, WebSocketData } from "./web-socket-interface.ts";
export type { WebSocketCloseInfo } from "./web-socket-error.ts";
export type {
  WebSocketOpenInfo,
  WebSocketStreamChunk,
  WebSocketStreamOptions,
} from "./web-socket-stream-interface.ts";
export type { EventSource, Subscription } from "../streams/subscription.ts";
export type { EventIterator } from "../streams/event-iterator.ts";
export type { ListenOptions } from "../streams/event-stream.ts";
