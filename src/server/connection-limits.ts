import type { HeartbeatOptions } from "../connection/heartbeat.ts";
import type { SocketOptions } from "./socket-options.ts";

/** Limits of one WebSocket connection, for a route or for a whole server. */
export interface ConnectionLimits extends SocketOptions {
  /**
   * The largest message taken, in bytes over all its fragments; a larger one is answered with 1009.
   * A peer can make the server hold this much for each connection. Default 1 MiB.
   */
  readonly maxMessageBytes?: number;
  /**
   * How many messages a peer may send in a second; one that sends more is closed with 1008, after
   * which a `ReconnectingWebSocket` does not come back. Whole messages count, empty ones too, and
   * pings and pongs; fragments do not, and what they hold is bounded by `maxMessageBytes`. A second's
   * worth may come at once, and after a network has held it back even more, so choose a multiple of
   * what a client sends; what waited while the handler was busy is not held against it. An integer.
   * Default: no limit but the pace at which the handler takes messages.
   */
  readonly maxMessagesPerSecond?: number;
  /**
   * How long a connection may last: then it is closed with 1001, after which the loops at both ends
   * just end and a `ReconnectingWebSocket` comes back. It lets servers that were added get their
   * share, and `authorize` look again at who is connected. Each connection is given a time of its
   * own between four fifths of this and all of it, so that those that came together do not all come
   * back together. Default: no limit.
   */
  readonly maxLifetimeMs?: number;
  /** How long the closing handshake may take before the connection is dropped. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** False for none: a peer that vanished is then noticed only by sending to it. */
  readonly heartbeat?: HeartbeatOptions | false;
}
