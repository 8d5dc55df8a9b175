import type {
  CloseEvent as CloseEventInterface,
  CloseEventConstructor,
} from "../client/close-event.ts";
import { withEventStreams } from "../client/event-streams.ts";
import { mergeArguments } from "../client/options-argument.ts";
import type { WebSocketOptions } from "../client/options.ts";
import type {
  WebSocket as WebSocketInterface,
  WebSocketConstructor,
} from "../client/web-socket-interface.ts";
import { TidewayError, UsageError } from "../errors/index.ts";

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
/** What a browser does by itself, or what only bounds it: accepted, and without effect there. */
const ACCEPTED =
  "protocols,compression,maxMessageBytes,handshakeTimeoutMs,closeTimeoutMs,heartbeat".split(",");

/** The browser's own class, extended. */
export const WebSocket: WebSocketConstructor = withEventStreams(
  class extends Native {
    static override readonly name = "WebSocket";

    constructor(
      url: string | URL,
      protocols: string | readonly string[] | WebSocketOptions | undefined = undefined,
      more: WebSocketOptions | undefined = undefined,
    ) {
      const options: WebSocketOptions = mergeArguments(protocols, more);
      for (const [name, value] of Object.entries(options))
        if (value !== undefined && !ACCEPTED.includes(name))
          throw new UsageError("INVALID_OPTION", `no option ${name} in a browser`);
      super(url, (options.protocols ?? []) as string[]);
    }
  },
  [],
  Native === globalThis.WebSocket,
);
