import type { CloseEventConstructor, WebSocketCloseEvent } from "../client/close-event.ts";
import { recordEnd, withEventStreams } from "../client/event-streams.ts";
import { mergeArguments } from "../client/options-argument.ts";
import type { WebSocketOptions } from "../client/options.ts";
import type { WebSocketConstructor, WebSocketInstance } from "../client/web-socket-interface.ts";
import { UsageError } from "../errors/index.ts";

function Unsupported(): never {
  throw new UsageError("UNSUPPORTED", "no WebSocket");
}

// Importing this module must also work on a server that renders pages, which may not have the native class.
const Native = globalThis.WebSocket ?? (Unsupported as unknown as typeof globalThis.WebSocket);

/** The event that is dispatched when a WebSocket has closed. */
export type CloseEvent = WebSocketCloseEvent;
/** The browser's native class. */
export const CloseEvent: CloseEventConstructor = globalThis.CloseEvent;

/** The options that do not throw. Only `protocols` has an effect; the browser controls the others itself. */
const ACCEPTED = /^(protocols|compression|heartbeat|maxMessageBytes|(handshake|close)TimeoutMs)$/;

/** A WebSocket client: the WHATWG interface, with event streams added. */
export type WebSocket = WebSocketInstance;
/** The browser's native class, with event streams added. */
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
