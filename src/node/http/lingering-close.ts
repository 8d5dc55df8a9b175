import type { Duplex } from "node:stream";
import { type HttpRefusal, writeRefusal } from "../../protocol/handshake/index.ts";
import { wheel } from "../environment/timers.ts";

/** How long a client may continue to send after the last response. */
const LINGER_MS = 2000;

/**
 * Ends a socket, after `response` if it is not empty. Reads and drops the bytes that the client is still
 * sending. Unread bytes would make the kernel send a reset, which can reach the client before the response
 * (RFC 9112 9.6). If the client does not close its side in time, the socket is destroyed.
 */
export function lingeringClose(socket: Duplex, response = ""): void {
  if (socket.destroyed || socket.writableEnded) return;
  const timer = wheel.start(LINGER_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.on("error", () => socket.destroy());
  socket.end(response, "latin1");
  dropInput(socket);
}

/**
 * Takes a socket away from the parser of `node:http`, and drops all further bytes. A server must not process
 * requests after it has decided to close the connection (RFC 9112 9.6). If `node:http` has paused the socket,
 * its 'data' listener also throws as soon as other code resumes the socket.
 */
export function dropInput(socket: Duplex): void {
  socket.removeAllListeners("data");
  // With a listener, `node:http` stops reading the socket in native code.
  socket.on("data", ignore);
  socket.resume();
}

function ignore(): void {}

/** Sends a refusal on a socket that `node:http` does not write to, and ends the socket. */
export function sendRefusal(socket: Duplex, { status, headers, message }: HttpRefusal): void {
  const dated = { ...headers, Date: new Date().toUTCString() };
  lingeringClose(socket, writeRefusal({ status, headers: dated, message }));
}
