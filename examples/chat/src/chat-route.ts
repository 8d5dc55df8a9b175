import type { WebSocketRoute } from "tideway/server";
import { Chat, type Place } from "./chat.ts";
import { DEFAULT_ROOM, MAX_ROOM_CHARS, SUBPROTOCOL } from "./wire/wire.ts";

/**
 * The largest frame in bytes: the longest text with each character escaped (`\u0000`), and the other fields
 * of a message.
 */
const MAX_FRAME_BYTES = 64 * 1024;

/**
 * A chat as a `ws:` route; by default a new chat. `?room=` chooses the room, and `&since=` the position to
 * continue from. The subprotocol is optional.
 */
export function chatRoute(chat: Chat = new Chat()): WebSocketRoute<string, string, Place> {
  return {
    protocols: [SUBPROTOCOL, ""],
    maxMessageBytes: MAX_FRAME_BYTES,
    authorize: readPlace,
    handle: (socket, { state }) => chat.serve(socket, state),
  };
}

function readPlace({ url }: Request): Place | Response {
  const query = new URL(url).searchParams;
  const room = query.get("room") ?? DEFAULT_ROOM;
  const since = query.get("since");
  if (room.trim() === "" || room.length > MAX_ROOM_CHARS) {
    return new Response(`a room has 1 to ${MAX_ROOM_CHARS} characters`, { status: 400 });
  }
  return since === null || since === "" ? { room } : { room, since };
}
