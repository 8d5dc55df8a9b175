import type {
  ReconnectingWebSocket as ReconnectingInterface,
  ReconnectingWebSocketConstructor,
} from "../client/reconnecting-interface.ts";
import { defineReconnectingWebSocket } from "../client/reconnecting-web-socket.ts";
import { decideReconnect } from "../client/reconnect-policy.ts";
import { CloseEvent, WebSocket } from "./web-socket.ts";

/** A WebSocket client that connects again by itself. */
export interface ReconnectingWebSocket extends ReconnectingInterface {}
/** The class of reconnecting clients, over the native class with event streams. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor = defineReconnectingWebSocket(
  WebSocket,
  CloseEvent,
  decideReconnect,
);
