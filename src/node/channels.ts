/**
 * Contracts and clients of channels, for Node.js: topics, calls and presence over one WebSocket that
 * reconnects.
 *
 * ```ts
 * import { connect } from "tideway/channels";
 *
 * const client = connect("wss://example.com/api", { contract, auth: () => freshToken() });
 * const room = client.topic("rooms/:room", { room: "tides" });
 * await room.publish({ text: "hello" });
 * for await (const { data } of room.messages({ last: 50 })) console.log(data);
 * ```
 *
 * @module
 */
import { type Connect, createClient } from "../channels/client/index.ts";
import type { ValueOrProvider } from "../client/reconnecting-interface.ts";
import { decideReconnect } from "./client/decide-reconnect.ts";
import { WebSocket } from "./index.ts";

/** Connects to a route of channels. */
export const connect: Connect = (url, options = {}) => {
  const { webSocketOptions, ...others } = options;
  let current: object | undefined;
  class ClientWebSocket extends WebSocket {
    constructor(target: string | URL, protocols: string) {
      super(target, { ...current, protocols });
    }
  }
  const prepare = async (): Promise<string | URL> => {
    current = await valueOf(webSocketOptions);
    return valueOf(url);
  };
  if (typeof url !== "function") void new URL(url);
  return createClient(
    { WebSocket: ClientWebSocket, decide: decideReconnect },
    prepare,
    others,
  ) as never;
};

function valueOf<T>(value: ValueOrProvider<T>): T | PromiseLike<T> {
  return typeof value === "function" ? (value as () => T | PromiseLike<T>)() : value;
}

export * from "../channels/client/common.ts";
