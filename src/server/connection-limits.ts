import type { HeartbeatOptions } from "../connection/heartbeat.ts";
import type { SocketOptions } from "./socket-options.ts";

/** Limits of one WebSocket connection, for a route or for a whole server. */
export interface ConnectionLimits extends SocketOptions {
  /**
   * The maximum size of a received message in bytes, over all its fragments. A larger one closes the
   * connection with 1009. A peer can make the server use this much memory for each connection. Default
   * 1,048,576 (1 MiB).
   */
  readonly maxMessageBytes?: number;
  /**
   * The maximum number of messages that a peer may send in a second, an integer. More close the
   * connection with 1008, after which a `ReconnectingWebSocket` does not reconnect. Counts whole
   * messages, also empty ones, and pings and pongs. Fragments do not count: `maxMessageBytes` limits
   * them.
   *
   * Messages that the network delayed may arrive together, so choose a multiple of what a client sends.
   * Messages that waited because the handler was busy are not counted against the peer. Default: no
   * limit except the speed of the handler.
   */
  readonly maxMessagesPerSecond?: number;
  /**
   * The maximum lifetime of a connection. Then the server closes it with 1001: loops over the messages
   * end at both sides, and a `ReconnectingWebSocket` reconnects. Use it to spread connections over new
   * servers, and to run `authorize` again. Each connection gets a random lifetime between four fifths
   * of this value and all of it, so that clients do not all reconnect at once. Default: no limit.
   */
  readonly maxLifetimeMs?: number;
  /** The timeout of the closing handshake, after which the connection is dropped. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** When to ping a silent peer. False disables it: then only a failed write detects a lost peer. */
  readonly heartbeat?: HeartbeatOptions | false;
}
