import type { HeartbeatOptions } from "../../connection/heartbeat.ts";
import type { SocketOptions } from "../socket/socket-options.ts";

/** Limits of each WebSocket connection, for one route or for the whole server. */
export interface ConnectionLimits extends SocketOptions {
  /**
   * The maximum size in bytes of a received message, over all its fragments and after decompression. A
   * larger message closes the connection with 1009. A peer can make the server use this much memory for
   * each connection. A number above 0. Default: 1,048,576 (1 MiB).
   */
  readonly maxMessageBytes?: number;
  /**
   * The maximum number of messages that a peer may send per second. A further message closes the connection
   * with 1008, after which a `ReconnectingWebSocket` does not reconnect. Whole messages count, including
   * empty ones, and so do pings and pongs. Fragments do not count; `maxMessageBytes` limits them. An integer
   * above 0, or `Infinity`. Default: no limit, so only the speed of the handler limits the peer.
   *
   * Messages that the network delayed may arrive together, so choose several times the rate at which a
   * client sends. Messages that waited while the handler was busy do not count against the peer.
   */
  readonly maxMessagesPerSecond?: number;
  /**
   * The maximum lifetime of a connection in milliseconds, after which the server closes it with 1001. Use it
   * to run `authorize` again from time to time, and to spread clients over new servers. A loop over the
   * socket's messages then ends without an error, and a `ReconnectingWebSocket` reconnects. Default: no
   * limit.
   *
   * Each connection gets a random lifetime between 80% and 100% of this value, so that clients do not all
   * reconnect at once.
   */
  readonly maxLifetimeMs?: number;
  /**
   * How long the closing handshake may take, in milliseconds, before the server drops the connection.
   * Default: 5,000.
   */
  readonly closeTimeoutMs?: number;
  /**
   * When to ping a silent peer, and when to drop it. With `false`, the server sends no pings, and notices a
   * lost peer only when a write fails. Default: a ping after 30 seconds without activity, and 20 seconds to
   * answer it.
   */
  readonly heartbeat?: HeartbeatOptions | false;
}
