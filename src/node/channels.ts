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
import type { Connect } from "../channels/client/index.ts";
import { createConnect } from "./connect-channels.ts";
import { WebSocket } from "./index.ts";

/** Connects to a route of channels. */
export const connect: Connect = createConnect(WebSocket);

export * from "../channels/client/common.ts";
