import type {
  Protocols,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketInstance,
  ReconnectingWebSocketOptions,
  ValueOrProvider,
} from "../client/reconnecting-interface.ts";
import { ReconnectingSocket } from "../client/reconnecting-web-socket.ts";
import { CloseEvent, WebSocket } from "./web-socket.ts";

/** A WebSocket client that reconnects automatically. */
export type ReconnectingWebSocket = ReconnectingWebSocketInstance;
/** The class of reconnecting WebSocket clients. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor =
  class extends ReconnectingSocket {
    constructor(
      url: ValueOrProvider<string | URL>,
      protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
    ) {
      super({ WebSocket, CloseEvent }, url, protocols);
    }
  } as unknown as ReconnectingWebSocketConstructor;
