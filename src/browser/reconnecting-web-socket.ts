import type {
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketInstance,
} from "../client/reconnecting-interface.ts";
import { defineReconnectingWebSocket } from "../client/reconnecting-web-socket.ts";
import { decideReconnect } from "../client/reconnect-policy.ts";
import { CloseEvent, WebSocket } from "./web-socket.ts";

/** A WebSocket client that reconnects by itself. */
export type ReconnectingWebSocket = ReconnectingWebSocketInstance;
/** The class of WebSocket clients that reconnect by themselves. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor = defineReconnectingWebSocket(
  WebSocket,
  CloseEvent,
  decideReconnect,
);
