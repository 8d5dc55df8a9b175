import type { ByteConnectionOptions } from "../connection/byte-connection-options.ts";
import type { Connection } from "../connection/connection.ts";
import type { HttpRefusal, WebSocketOffer } from "../protocol/handshake/index.ts";
import type { OriginClaim } from "./origin-policy.ts";
import type { ClientCertificate } from "./client-certificate.ts";
import type { Socket } from "./socket.ts";

/** The remote address of a connection. */
export interface Peer {
  /** Undefined once the connection has ended. */
  readonly remoteAddress?: string | undefined;
}

/** A request for a WebSocket, in the same form for every runtime. */
export interface UpgradeAttempt extends OriginClaim {
  /** The path of the request's URL, normalized by the URL parser. */
  readonly pathname: string;
  /** Made at the first use, because most handlers do not use it. Its signal aborts when the client leaves. */
  readonly request: Request;
  readonly url: URL;
  /** The client's address; empty after the connection has ended. */
  readonly remoteAddress: string;
  /** The same address, for as long as the socket is open. Does not keep the request in memory. */
  readonly peer: Peer;
  /** Whether the peer has left, or was answered before the decision. */
  readonly isAborted: boolean;
  /** Called once when `isAborted` becomes true; set while `authorize` is pending. */
  onAborted: (() => void) | undefined;
  /** The connection of the request. Over HTTP/2, several requests share one. */
  readonly connection: object;
  /** The certificate that the peer sent in the TLS handshake. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Validates the opening handshake by the rules of its HTTP version. */
  readOffer(): WebSocketOffer | HttpRefusal;
}

/** How to answer an {@link UpgradeAttempt}. After an {@link HttpRefusal} the connection is closed. */
export type UpgradeDecision = UpgradeAccepted | HttpRefusal | UpgradeAnswered;

/** Send the response that accepts the handshake, make a connection, and call `open`. */
export interface UpgradeAccepted {
  readonly kind: "accept";
  /** The options of the connection. */
  readonly connection: ByteConnectionOptions;
  /** Fields that the application adds to the response. They are valid. */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  /** Makes the socket of the connection and runs the route's handler. */
  open(connection: Connection): Socket;
}

/** Send the Response of `authorize`, and close the connection. */
export interface UpgradeAnswered {
  readonly kind: "answer";
  readonly response: Response;
  /** Reports to `onError` that the response could not be sent. */
  readonly onFailure: (error: unknown) => void;
}
