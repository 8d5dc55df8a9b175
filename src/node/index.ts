/**
 * The client for Node: the WHATWG `WebSocket` with event streams on top of it, `WebSocketStream`,
 * and `ReconnectingWebSocket`.
 *
 * ```ts
 * import { WebSocket } from "tideway";
 *
 * const socket = new WebSocket("wss://example.com/chat", "chat.v1");
 * await socket.onOpen.first;
 * socket.send("hello");
 * for await (const { data } of socket.onMessage) console.log(data);
 * ```
 *
 * @module
 */
import type {
  CloseEvent as CloseEventInterface,
  CloseEventConstructor,
} from "../client/close-event.ts";
import type {
  ReconnectingWebSocket as ReconnectingInterface,
  ReconnectingWebSocketConstructor,
} from "../client/reconnecting-interface.ts";
import type {
  WebSocket as WebSocketInterface,
  WebSocketConstructor,
} from "../client/web-socket-interface.ts";
import { defineWebSocketStream } from "../client/web-socket-stream.ts";
import type {
  WebSocketStream as WebSocketStreamInterface,
  WebSocketStreamConstructor,
} from "../client/web-socket-stream-interface.ts";
import { connect } from "./client/connect.ts";
import { createReconnectingClass } from "./client/reconnecting-class.ts";
import { inNextTurn } from "./environment/timers.ts";
import { CloseEvent as NodeCloseEvent, createWebSocketClass } from "./client/web-socket-class.ts";

/** Tells that a WebSocket is closed. */
export interface CloseEvent extends CloseEventInterface {}
/** The class of close events: the runtime's own where it has one. */
export const CloseEvent: CloseEventConstructor = NodeCloseEvent;

/** A WebSocket client: the standard's interface, and on top of it that of `dart:html`. */
export interface WebSocket extends WebSocketInterface {}
/** The class of clients; everything it is made of is this package's own. */
export const WebSocket: WebSocketConstructor = createWebSocketClass(connect);

/** A WebSocket client that connects again by itself. */
export interface ReconnectingWebSocket extends ReconnectingInterface {}
/** The class of reconnecting clients, over this package's `WebSocket`. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor =
  createReconnectingClass(WebSocket);

/** A WebSocket connection as two streams, with backpressure both ways. */
export interface WebSocketStream extends WebSocketStreamInterface {}
/** The class of such connections. */
export const WebSocketStream: WebSocketStreamConstructor = defineWebSocketStream(
  connect,
  inNextTurn,
);

export { httpProxy, proxyFromEnvironment } from "./client/http-proxy.ts";
export { decideReconnect } from "./client/decide-reconnect.ts";
export { WebSocketError } from "../client/web-socket-error.ts";

export * from "../client/common.ts";
