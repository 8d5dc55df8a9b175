import type {
  CloseEvent as CloseEventInterface,
  CloseEventConstructor,
} from "../client/close-event.ts";
import { recordEnd, withEventStreams } from "../client/event-streams.ts";
import { mergeArguments } from "../client/options-argument.ts";
import type { WebSocketOptions } from "../client/options.ts";
import type {
  WebSocket as WebSocketInterface,
  WebSocketConstructor,
} from "../client/web-socket-interface.ts";
import { TidewayError, UsageError } from "../errors/index.ts";

function Unsupported(): never {
  throw new TidewayError("UNSUPPORTED", "no WebSocket");
}

// Where a page is rendered on a server the native class may be absent; importing must still work.
const Native = globalThis.WebSocket ?? (Unsupported as unknown as typeof globalThis.WebSocket);

/** Tells that a WebSocket is closed. */
export interface CloseEvent extends CloseEventInterface {}
/** The browser's own class. */
export const CloseEvent: CloseEventConstructor = globalThis.CloseEvent;

/** A WebSocket client: the standard's interface, and on top of it that of `dart:html`. */
export interface WebSocket extends WebSocketInterface {}
/** Options without effect in a browser, because it decides these itself. Accepted without an error. */
const ACCEPTED = /^(protocols|compression|heartbeat|maxMessageBytes|(handshake|close)TimeoutMs)$/;

/** The browser's own class, extended. */
export const WebSocket: WebSocketConstructor = withEventStreams(
  class extends Native {
    static override readonly name = "WebSocket";

    constructor(url: string | URL, ...protocolsAndOptions: [unknown?, WebSocketOptions?]) {
      const options: WebSocketOptions = mergeArguments(...protocolsAndOptions);
      for (const name in options)
        if (!ACCEPTED.test(name) && options[name as keyof typeof options] !== undefined)
          throw new UsageError("INVALID_OPTION", `no option ${name} in a browser`);
      super(url, options.protocols as string[]);
      this.addEventListener("close", (event) => recordEnd(this, event));
    }
  },
  [],
  !!globalThis.WebSocket,
);
