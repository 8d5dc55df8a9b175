/**
 * The client for Node.js: the WHATWG `WebSocket` with event streams added, `WebSocketStream`, and
 * `ReconnectingWebSocket`.
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
import type { CloseEventConstructor, WebSocketCloseEvent } from "../client/close-event.ts";
import type {
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketInstance,
} from "../client/reconnecting-interface.ts";
import type { WebSocketConstructor, WebSocketInstance } from "../client/web-socket-interface.ts";
import { defineWebSocketStream } from "../client/web-socket-stream.ts";
import type {
  WebSocketStreamConstructor,
  WebSocketStreamInstance,
} from "../client/web-socket-stream-interface.ts";
import { createConnector } from "./client/connect.ts";
import { createReconnectingClass } from "./client/reconnecting-class.ts";
import { inNextTurn } from "./environment/timers.ts";
import { fastDispatch, fastEnvironment } from "./serve/tcp-environments.ts";
import { CloseEvent as NodeCloseEvent, createWebSocketClass } from "./client/web-socket-class.ts";

const connect = createConnector(fastEnvironment);

/** The event that is dispatched when a WebSocket has closed. */
export type CloseEvent = WebSocketCloseEvent;
/** The class of close events: the runtime's own if it has one. */
export const CloseEvent: CloseEventConstructor = NodeCloseEvent;

/** A WebSocket client: the WHATWG interface, with event streams added. */
export type WebSocket = WebSocketInstance;
/** The WHATWG `WebSocket` class, with event streams added. */
export const WebSocket: WebSocketConstructor = createWebSocketClass(connect, fastDispatch);

/** A WebSocket client that reconnects automatically. */
export type ReconnectingWebSocket = ReconnectingWebSocketInstance;
/** The class of WebSocket clients that reconnect automatically. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor =
  createReconnectingClass(WebSocket);

/** A WebSocket connection as two streams, with backpressure in both directions. */
export type WebSocketStream = WebSocketStreamInstance;
/** The WHATWG `WebSocketStream` class. */
export const WebSocketStream: WebSocketStreamConstructor = defineWebSocketStream(
  connect,
  inNextTurn,
);

export { httpProxy, proxyFromEnvironment } from "./client/http-proxy.ts";
export { decideReconnect } from "./client/decide-reconnect.ts";
export { WebSocketError } from "../client/web-socket-error.ts";

export * from "../client/common.ts";
