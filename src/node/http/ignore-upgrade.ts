import type { IncomingMessage, Server } from "node:http";
import { versions } from "node:process";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { namesWebSocket } from "../../protocol/handshake/index.ts";

/**
 * Whether an upgrade, which `Connection` lists, is one to WebSocket. The field `Upgrade` of an HTTP/1.0 request must be
 * ignored (RFC 9110 7.8).
 */
export function asksForWebSocket({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion !== "1.0" && namesWebSocket(headers.upgrade ?? "");
}

/** A server of Node.js 22.21, 24.9 or newer, which asks whether to upgrade a request. */
interface AskingServer extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

/**
 * Makes Node.js serve the requests for which `isIgnored` returns true as requests without an upgrade (RFC 9110 7.8).
 * Releases that do not ask emit 'upgrade' for them, so {@link ignoreUpgrade} must serve them.
 *
 * @returns a function that undoes it
 */
export function ignoreUpgrades(
  server: AskingServer,
  isIgnored: (request: IncomingMessage) => boolean,
): () => void {
  const { shouldUpgradeCallback: inner } = server;
  if (inner === undefined) return () => {};
  const shouldUpgrade = (request: IncomingMessage): boolean =>
    !isIgnored(request) && inner.call(server, request);
  server.shouldUpgradeCallback = shouldUpgrade;
  return () => {
    if (server.shouldUpgradeCallback === shouldUpgrade) server.shouldUpgradeCallback = inner;
  };
}

/** Whether the runtime has begun to read the body of an upgrade request. Node.js up to 24 leaves it in the socket. */
const READS_BODY =
  "bun" in versions || "deno" in versions || Number(versions.node.split(".")[0]) > 24;

/**
 * Whether a request can be read again. If a part of its body were missing, the HTTP server would take the next request
 * for that part.
 */
export function canBeReadAgain(
  { headers }: Pick<IncomingMessage, "headers">,
  readsBody: boolean = READS_BODY,
): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = headers;
  return !readsBody || (length === "0" && encoding === undefined);
}

/**
 * Serves a request for which the runtime has emitted 'upgrade' as if it had no `Upgrade` field. It puts the request
 * head, without that field, back into the socket, and makes the HTTP server read it again. `canBeReadAgain` MUST have
 * returned true.
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

/** The value of `Connection` without `upgrade`. */
function withoutUpgrade(value: string): string {
  return value
    .split(",")
    .filter((option) => option.trim().toLowerCase() !== "upgrade")
    .join(",");
}
