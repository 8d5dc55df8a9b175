import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { RequestQueue } from "./request-queue.ts";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";

/**
 * Drops each connection with a client that stops reading in the middle of a response. Otherwise, its handler,
 * or the file that it sends, would wait forever. A connection on which the handler itself sends nothing stays
 * open.
 *
 * @param isBusy whether a connection is a WebSocket or has an unanswered request
 */
export function dropStalledConnections(
  httpServer: HttpServer,
  isBusy: (connection: Duplex) => boolean,
): void {
  // The server's own timeout would add a timer of 150 bytes to each connection, even to each WebSocket.
  httpServer.on("request", ({ socket }: IncomingMessage) =>
    socket.setTimeout(stallTimeoutMs(httpServer)),
  );
  // Idle connections also time out, after keepAliveTimeout. This listener must close them.
  httpServer.on("timeout", (socket: Socket) => {
    if (!isBusy(socket)) socket.destroy();
    else waitOrDrop(socket, stallTimeoutMs(httpServer), RequestQueue.of(socket).current);
  });
}

/** Does the same for one connection that its HTTP server no longer uses, because of an upgrade. */
export function dropIfStalled(socket: Duplex, httpServer: HttpServer): void {
  if (!(socket instanceof Socket)) return;
  const timeoutMs = stallTimeoutMs(httpServer);
  socket.setTimeout(timeoutMs);
  socket.on("timeout", () => waitOrDrop(socket, timeoutMs));
}

/**
 * Handles a connection on which no byte has moved for `timeoutMs`.
 *
 * @param response the response that is being sent. In Bun, its unsent bytes do not count for the socket.
 */
function waitOrDrop(socket: Socket, timeoutMs: number, response?: ServerResponse): void {
  if (socket.writableLength > 0 || (response?.writableLength ?? 0) > 0) socket.destroy();
  else socket.setTimeout(timeoutMs);
}
