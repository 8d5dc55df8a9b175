import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { EventEmitter } from "node:events";

/** Creates the HTTP server of the option `port`. It answers every request that is not a handshake with 426. */
export function createUpgradeServer(): Server {
  return createServer(requireUpgrade);
}

function requireUpgrade(_request: IncomingMessage, response: ServerResponse): void {
  const body = STATUS_CODES[426]!;
  response.writeHead(426, {
    "Content-Length": body.length,
    "Content-Type": "text/plain",
    // RFC 9110 15.5.22 and 7.8: the response names the protocol, and Connection names Upgrade.
    Upgrade: "websocket",
    Connection: response.shouldKeepAlive ? "Upgrade" : "close, Upgrade",
  });
  response.end(body);
}

/** Adds listeners, and returns a function that removes them. */
export function addListeners(
  emitter: EventEmitter,
  listeners: Readonly<Record<string, Parameters<EventEmitter["on"]>[1]>>,
): () => void {
  for (const [name, listener] of Object.entries(listeners)) emitter.on(name, listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) emitter.off(name, listener);
  };
}
