/**
 * `tideway/ws`: the interface of the package `ws`, over the protocol and the connections of this package.
 *
 * ```ts
 * import { WebSocket } from "tideway/ws";
 *
 * const socket = new WebSocket("wss://example.com");
 * socket.on("message", (data, isBinary) => console.log(isBinary ? data : data.toString()));
 * ```
 *
 * `require("tideway/ws")` returns the class `WebSocket`.
 *
 * @module
 */
export { WebSocket, WebSocket as default, WebSocket as "module.exports" } from "./web-socket.ts";
export type { SendCallback, SendOptions } from "./web-socket.ts";
export type { CommonOptions, SocketOptions } from "./socket-options.ts";
export type { SendableData } from "./messages.ts";
export type { EventListener, EventListenerOptions, WebSocketEventMap } from "./event-listeners.ts";
export { CloseEvent, ErrorEvent, Event, MessageEvent } from "./event-target.ts";
export type { ClientOptions } from "./client/options.ts";
export type { PerMessageDeflateOptions } from "./deflate-options.ts";
