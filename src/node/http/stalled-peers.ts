import type { IncomingMessage, Server as HttpServer } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";
import type { Http1Listener } from "./http1-listener.ts";

/**
 * Drops connections whose peer stops reading in the middle of a response, for whose sake a handler,
 * or a file that it sends, would wait for ever. A handler that says nothing for a while is not the
 * peer's fault: its connection stays.
 */
export function dropStalledPeers(httpServer: HttpServer, listener: Http1Listener): void {
  // Not by way of the server's own timeout: the timer that it makes for each connection stays with
  // those that become a WebSocket's, at 150 bytes each.
  httpServer.on("request", ({ socket }: IncomingMessage) =>
    socket.setTimeout(stallTimeoutMs(httpServer)),
  );
  // Comes for idle connections too, after keepAliveTimeout: having a listener, they are its to end.
  httpServer.on("timeout", (socket: Socket) => {
    if (listener.isBusy(socket)) waitOrDrop(socket, stallTimeoutMs(httpServer));
    else socket.destroy();
  });
}

/** The same for one connection that its HTTP server has let go of, as it does for every upgrade. */
export function dropIfStalled(socket: Duplex, httpServer: HttpServer): void {
  if (!(socket instanceof Socket)) return;
  const timeoutMs = stallTimeoutMs(httpServer);
  socket.setTimeout(timeoutMs);
  socket.on("timeout", () => waitOrDrop(socket, timeoutMs));
}

/** For a connection on which nothing has moved for `timeoutMs`. */
function waitOrDrop(socket: Socket, timeoutMs: number): void {
  if (socket.writableLength > 0) socket.destroy();
  else socket.setTimeout(timeoutMs);
}
