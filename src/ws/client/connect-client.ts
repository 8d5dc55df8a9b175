import { UsageError } from "../../errors/index.ts";
import type { ClientHandshake } from "../handshake.ts";
import type { WebSocket } from "../web-socket.ts";

/**
 * Starts the opening handshake of a client. Calls `setSocket` or `failHandshake` of `webSocket` later, never
 * during the call.
 *
 * @throws SyntaxError if the address or a subprotocol is invalid
 */
export function connectClient(
  webSocket: WebSocket,
  address: string | URL,
  _protocols: readonly string[],
  _options: object,
): ClientHandshake {
  throw new UsageError(
    "INVALID_URL",
    `cannot connect ${webSocket.constructor.name} to ${String(address)}; this class accepts only sockets of a server`,
  );
}
