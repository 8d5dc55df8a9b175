/**
 * Contracts and clients of channels, for browsers. It exports the same names as the entry point for Node.
 *
 * @module
 */
import { decideReconnect } from "../client/reconnect-policy.ts";
import { ReconnectingCore } from "../client/reconnecting-core.ts";
import type { ReconnectingWebSocketOptions } from "../client/reconnecting-interface.ts";
import { ChannelClientBase, type Connect } from "../channels/client/index.ts";

/** Nothing is sent without a connection: the session of the client has its own queue. */
class NoQueue {
  readonly size = 0;
  add(): void {}
  send(): void {}
}

class Connection extends ReconnectingCore {
  constructor(url: () => Promise<string | URL>, options: ReconnectingWebSocketOptions) {
    // Read here, because a server that renders pages may lack the class when it imports this.
    const { WebSocket, CloseEvent } = globalThis;
    super({ WebSocket, CloseEvent, Queue: NoQueue }, url, options);
  }
}

/** Connects to a route of channels. */
export const connect: Connect = (url, options) =>
  new ChannelClientBase(
    { ReconnectingWebSocket: Connection, decideReconnect },
    url,
    options,
  ) as never;

export * from "../channels/client/common.ts";
