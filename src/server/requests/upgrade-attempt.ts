import type { ByteConnectionOptions } from "../../connection/byte-connection-options.ts";
import type { Connection } from "../../connection/connection.ts";
import type { HttpRefusal, WebSocketOffer } from "../../protocol/handshake/index.ts";
import type { ConnectionLimits } from "../options/connection-limits.ts";
import type { Socket } from "../socket/socket-interface.ts";
import type { ClientCertificate } from "./client-certificate.ts";
import type { OriginClaim } from "./origin-policy.ts";

/** The remote address of a connection. */
export interface Peer {
  /** Undefined once the connection has ended. */
  readonly remoteAddress?: string | undefined;
}

/** A request for a WebSocket, in the same form for every runtime and HTTP version. */
export interface UpgradeAttempt extends OriginClaim {
  /** The path of the request's URL, normalized by the URL parser. */
  readonly pathname: string;
  /**
   * The request of the handshake. It is created at its first use, because most handlers do not use it. Its
   * signal aborts when the client disconnects.
   */
  readonly request: Request;
  readonly url: URL;
  /** The IP address of the client; empty after the connection has ended. */
  readonly remoteAddress: string;
  /**
   * The client's address, in an object that an open socket can keep without keeping the whole request in
   * memory.
   */
  readonly peer: Peer;
  /** Whether the client has disconnected, or has received another response before the decision. */
  readonly isAborted: boolean;
  /** Called once when `isAborted` becomes true. Set only while `authorize` is pending. */
  onAborted: (() => void) | undefined;
  /** The connection of the request. Over HTTP/2, several requests share one. */
  readonly connection: object;
  /** The certificate that the peer of the connection sent in the TLS handshake. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Validates the opening handshake by the rules of its HTTP version (RFC 6455 4.2.1, RFC 8441 4). */
  readOffer(): WebSocketOffer | HttpRefusal;
}

/** How to answer an {@link UpgradeAttempt}. After an {@link HttpRefusal}, close the connection. */
export type UpgradeDecision = UpgradeAccepted | HttpRefusal | UpgradeAnswered;

/**
 * The decision to accept: send the response that accepts the handshake, create a connection, and call `open`.
 */
export interface UpgradeAccepted {
  readonly kind: "accept";
  /** The options of the connection. */
  readonly connection: ByteConnectionOptions;
  /** The limits of the route. */
  readonly limits: ConnectionLimits;
  /** Valid headers that the application adds to the response. */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  /** Creates the socket of the connection, and runs the route's handler. */
  open(connection: Connection): Socket;
}

/** The decision to refuse with the Response that `authorize` returned: send it, and close the connection. */
export interface UpgradeAnswered {
  readonly kind: "answer";
  readonly response: Response;
  /** Reports to `onError` that the response could not be sent. */
  readonly onFailure: (error: unknown) => void;
}
