import type { WebSocketRoute } from "tideway/server";
import { Chat } from "./chat.ts";
import { SUBPROTOCOL } from "./wire/wire.ts";

/**
 * The most a frame may have: the longest text, even with each of its characters escaped (`\u0000`),
 * and what else belongs to a message.
 */
const MAX_FRAME_BYTES = 64 * 1024;

/** A chat of its own, as a `ws:` route. Clients may also come without naming the subprotocol. */
export function chatRoute(chat: Chat = new Chat()): WebSocketRoute {
  return {
    protocols: [SUBPROTOCOL, ""],
    maxMessageBytes: MAX_FRAME_BYTES,
    handle: (socket) => chat.serve(socket),
  };
}
