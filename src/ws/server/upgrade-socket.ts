import type { Duplex } from "node:stream";
import { INTERNAL_ERROR, refuse } from "./refusal.ts";

const kUpgraded: unique symbol = Symbol("upgraded");

/** A socket, and whether the response that accepts its handshake was sent. */
interface UpgradeSocket extends Duplex {
  [kUpgraded]?: true;
}

/** Destroys the socket on an error during the handshake. All sockets share the listener. */
export function watchErrors(socket: Duplex): void {
  socket.on("error", destroyOnError);
}

/** Whether the response that accepts the handshake was sent, by this server or another one. */
export function isUpgraded(socket: UpgradeSocket): boolean {
  return socket[kUpgraded] === true;
}

/** Runs a step of a handshake. If a callback of the application throws, the client gets 500. */
export function attempt(socket: UpgradeSocket, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isUpgraded(socket)) refuse(socket, INTERNAL_ERROR);
    throw error;
  }
}

/** Sends the response that accepts the handshake. From now on, the WebSocket handles errors of the socket. */
export function sendAcceptance(socket: UpgradeSocket, response: string): void {
  socket[kUpgraded] = true;
  socket.write(response);
  socket.removeListener("error", destroyOnError);
}

/** @throws Error if the response has already been sent */
export function checkNotUpgraded(socket: UpgradeSocket): void {
  if (isUpgraded(socket)) {
    throw new Error(
      "server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration",
    );
  }
}

function destroyOnError(this: Duplex): void {
  this.destroy();
}
