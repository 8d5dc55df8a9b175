/**
 * The client for browsers: the native `WebSocket` with event streams on top of it,
 * `ReconnectingWebSocket`, and the native `WebSocketStream`. It exports the same names as the entry
 * point for Node.
 *
 * @module
 */
export { CloseEvent, WebSocket } from "./web-socket.ts";
export { ReconnectingWebSocket } from "./reconnecting-web-socket.ts";
export { httpProxy, proxyFromEnvironment } from "./http-proxy.ts";
export { decideReconnect } from "../client/reconnect-policy.ts";
export {
  WebSocketError,
  type WebSocketErrorConstructor,
  WebSocketStream,
} from "./web-socket-stream.ts";

export * from "../client/common.ts";
