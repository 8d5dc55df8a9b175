/**
 * Contracts and clients of channels, for browsers. It exports the same names as the entry point for Node.
 *
 * @module
 */
import { decideReconnect } from "../client/reconnect-policy.ts";
import { type Connect, createClient } from "../channels/client/index.ts";

/** Connects to a route of channels. */
export const connect: Connect = (url, options) =>
  // Read here, because a server that renders pages may lack the class when it imports this.
  createClient({ WebSocket, decide: decideReconnect }, url, options) as never;

export * from "../channels/client/common.ts";
