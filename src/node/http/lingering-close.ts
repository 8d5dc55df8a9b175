import type { Duplex } from "node:stream";
import { wheel } from "../environment/timers.ts";

/** How long a client that we have said good-bye to may go on sending. */
const LINGER_MS = 2000;

/**
 * Ends a socket, behind `lastWords` if there are any. What the client is still sending is read and
 * dropped, because unread bytes would make the kernel answer with a reset, which can overtake the
 * last words (RFC 9112 9.6); a client that does not close its side in time is dropped.
 */
export function lingeringClose(socket: Duplex, lastWords = ""): void {
  if (socket.destroyed) return;
  const timer = wheel.start(LINGER_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.on("error", () => socket.destroy());
  socket.end(lastWords, "latin1");
  socket.resume();
}
