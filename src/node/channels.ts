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
import { ChannelClientBase, type Connect } from "../channels/client/index.ts";
import { decideReconnect } from "./client/decide-reconnect.ts";
import { ReconnectingWebSocket } from "./index.ts";

/** Connects to a route of channels. */
export const connect: Connect = (url, options) =>
  new ChannelClientBase({ ReconnectingWebSocket, decideReconnect }, url, options) as never;

export * from "../channels/client/common.ts";
