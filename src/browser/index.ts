/**
 * The client for browsers: the native `WebSocket` with event streams on top of it, and
 * `ReconnectingWebSocket`. It exports the same names as the entry point for Node.
 *
 * @module
 */
import type {
  CloseEvent as CloseEventInterface,
  CloseEventConstructor,
} from "../client/close-event.ts";
import { withEventStreams } from "../client/event-streams.ts";
import { isOptions } from "../client/options-argument.ts";
import type { WebSocketOptions } from "../client/options.ts";
import type {
  ReconnectingWebSocket as ReconnectingInterface,
  ReconnectingWebSocketConstructor,
} from "../client/reconnecting-interface.ts";
import { defineReconnectingWebSocket } from "../client/reconnecting-web-socket.ts";
import type {
  WebSocket as WebSocketInterface,
  WebSocketConstructor,
} from "../client/web-socket-interface.ts";
import { TidewayError } from "../errors/index.ts";

// Where a page is rendered on a server the native class may be absent; importing must still work.
const isSupported = typeof globalThis.WebSocket === "function";

function Unsupported(): never {
  throw new TidewayError("UNSUPPORTED", "this runtime has no WebSocket");
}

const Native = (isSupported ? globalThis.WebSocket : Unsupported) as typeof globalThis.WebSocket;

/** Tells that a WebSocket is closed. */
export interface CloseEvent extends CloseEventInterface {}
/** The browser's own class. */
export const CloseEvent: CloseEventConstructor = globalThis.CloseEvent;

/** A WebSocket client: the standard's interface, and on top of it that of `dart:html`. */
export interface WebSocket extends WebSocketInterface {}
/** The browser's own class, extended. */
export const WebSocket: WebSocketConstructor = withEventStreams(
  class extends Native {
    static override readonly name = "WebSocket";

    constructor(url: string | URL, protocols: string | readonly string[] | WebSocketOptions = []) {
      super(
        url,
        (isOptions<WebSocketOptions>(protocols)
          ? (protocols.protocols ?? [])
          : protocols) as string[],
      );
    }
  },
  [],
  isSupported,
);

/** A WebSocket client that connects again by itself. */
export interface ReconnectingWebSocket extends ReconnectingInterface {}
/** The class of reconnecting clients, over the `WebSocket` above. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor = defineReconnectingWebSocket(
  WebSocket,
  CloseEvent,
);

export { WebSocketError, WebSocketStream } from "./web-socket-stream.ts";

export { defineReconnectingWebSocket } from "../client/reconnecting-web-socket.ts";
export { decideReconnect } from "../client/reconnect-policy.ts";
export { withEventStreams } from "../client/event-streams.ts";
export { EventStream } from "../streams/event-stream.ts";
export { TidewayError } from "../errors/index.ts";
export type * from "../client/types.ts";
