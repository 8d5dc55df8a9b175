import type { HeartbeatOptions } from "../connection/byte-connection.ts";
import type { SocketOptions } from "./socket-options.ts";

/** Limits of one WebSocket connection, for a route or for a whole server. */
export interface ConnectionLimits extends SocketOptions {
  /**
   * The largest message taken, in bytes over all its fragments; a larger one is answered with 1009.
   * A peer can make the server hold this much for each connection. Default 1 MiB.
   */
  readonly maxMessageBytes?: number;
  /** How long the closing handshake may take before the connection is dropped. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** False for none: a peer that vanished is then noticed only by sending to it. */
  readonly heartbeat?: HeartbeatOptions | false;
}
