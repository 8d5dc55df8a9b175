import type { IncomingMessage, Server as HttpServer } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpFront } from "./http-front.ts";

/** How long a peer may take nothing of what it has asked for. */
const STALL_TIMEOUT_MS = 60_000;

/**
 * Drops connections whose peer stops reading in the middle of a response, for whose sake a handler,
 * or a file that it sends, would wait for ever. A handler that says nothing for a while is not the
 * peer's fault: its connection stays.
 */
export function dropStalledPeers(httpServer: HttpServer, front: HttpFront): void {
  const timeoutMs = (): number => httpServer.timeout || STALL_TIMEOUT_MS;
  // Not by way of the server's own timeout: the timer that it makes for each connection stays with
  // those that become a WebSocket's, at 150 bytes each.
  httpServer.on("request", ({ socket }: IncomingMessage) => socket.setTimeout(timeoutMs()));
  // Comes for idle connections too, after keepAliveTimeout: having a listener, they are its to end.
  httpServer.on("timeout", (socket: Socket) => {
    if (front.isBusy(socket)) waitOrDrop(socket, timeoutMs());
    else socket.destroy();
  });
}

/** The same for one connection that its HTTP server has let go of, as it does for every upgrade. */
export function dropIfStalled(socket: Duplex, { timeout }: HttpServer): void {
  if (!(socket instanceof Socket)) return;
  const timeoutMs = timeout || STALL_TIMEOUT_MS;
  socket.setTimeout(timeoutMs);
  socket.on("timeout", () => waitOrDrop(socket, timeoutMs));
}

/** For a connection on which nothing has moved for `timeoutMs`. */
function waitOrDrop(socket: Socket, timeoutMs: number): void {
  if (socket.writableLength > 0) socket.destroy();
  else socket.setTimeout(timeoutMs);
}
