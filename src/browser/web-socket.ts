import type {
  CloseEvent as CloseEventInterface,
  CloseEventConstructor,
} from "../client/close-event.ts";
import { withEventStreams } from "../client/event-streams.ts";
import { isOptions } from "../client/options-argument.ts";
import type { WebSocketOptions } from "../client/options.ts";
import type {
  WebSocket as WebSocketInterface,
  WebSocketConstructor,
} from "../client/web-socket-interface.ts";
import { TidewayError } from "../errors/index.ts";

function Unsupported(): never {
  throw new TidewayError("UNSUPPORTED", "no WebSocket here");
}

// Where a page is rendered on a server the native class may be absent; importing must still work.
const Native = globalThis.WebSocket ?? (Unsupported as unknown as typeof globalThis.WebSocket);

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
  Native === globalThis.WebSocket,
);
