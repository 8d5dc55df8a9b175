import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";

/** Whether WebSocket is among the protocols that a request wants to change to. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return /(?:^|,)\s*websocket\s*(?:,|$)/i.test(request.headers.upgrade ?? "");
}

/**
 * Has a request that wants to change to some other protocol served as if it did not (RFC 9110 7.8),
 * as a server without WebSockets would: its head, less the wish, goes back into the socket, to be
 * read once more.
 */
export function ignoreUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  let lines = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    if (name === "upgrade") continue;
    const value = name === "connection" ? withoutUpgrade(rawHeaders[i + 1]) : rawHeaders[i + 1];
    lines += `${rawHeaders[i]}: ${value}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines}\r\n`, "latin1"), head]));
  server.emit(server instanceof TlsServer ? "secureConnection" : "connection", socket);
}

/** `Connection` without what names a field that is left out. */
function withoutUpgrade(value: string): string {
  return value
    .split(",")
    .filter((option) => option.trim().toLowerCase() !== "upgrade")
    .join(",");
}
