import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Http1Listener } from "./http1-listener.ts";

/** Answers opening handshakes before `node:http` reads them. */
export interface HandshakeInterceptor {
  /**
   * Intercepts the connections of `httpServer`, which has just begun to listen. Until then, only Node.js and
   * this package may have added listeners to it.
   *
   * @param onSocket called with each socket that is not passed to `httpServer`
   */
  intercept(
    httpServer: Server,
    listener: Http1Listener,
    onSocket: (socket: Socket) => void,
  ): InterceptedConnections;
}

export interface InterceptedConnections {
  /** Closes the connections that have sent nothing. */
  drop(): void;
}

/** Leaves all connections to `node:http`. */
export const noHandshakeInterceptor: HandshakeInterceptor = {
  intercept: () => ({ drop() {} }),
};
