import type { ByteConnectionOptions } from "../connection/byte-connection-options.ts";
import type { Connection } from "../connection/connection.ts";
import type { HttpRefusal, WebSocketOffer } from "../protocol/handshake/index.ts";
import type { OriginClaim } from "./origin.ts";
import type { ClientCertificate } from "./client-certificate.ts";
import type { Socket } from "./socket.ts";

/** The remote address of a connection. */
export interface Peer {
  /** Undefined once the connection has ended. */
  readonly remoteAddress?: string | undefined;
}

/** A request for a WebSocket, as a runtime hands it over. */
export interface UpgradeAttempt extends OriginClaim {
  /** The path of the request's URL, normalised as URLs are. */
  readonly pathname: string;
  /** Made when first asked for: most handlers never do. Its signal aborts when the peer goes. */
  readonly request: Request;
  readonly url: URL;
  /** Where the connection comes from; empty once it has ended. */
  readonly remoteAddress: string;
  /** The same address, for as long as the socket is open. Does not keep the request in memory. */
  readonly peer: Peer;
  /** Whether the peer has left, or was answered before the decision. */
  readonly isAborted: boolean;
  /** Called once when `isAborted` becomes true; set while `authorize` is pending. */
  onAborted: (() => void) | undefined;
  /** The connection of the request. Over HTTP/2, several requests share one. */
  readonly connection: object;
  /** The certificate that the peer showed in the TLS handshake. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Judges the opening handshake by the rules of the HTTP version that it came by. */
  readOffer(): WebSocketOffer | HttpRefusal;
}

/** How to answer an {@link UpgradeAttempt}. After an {@link HttpRefusal} the connection is closed. */
export type UpgradeDecision = UpgradeAccepted | HttpRefusal | UpgradeAnswered;

/** Send the response that accepts, open a connection, and hand it over. */
export interface UpgradeAccepted {
  readonly kind: "accept";
  /** What the connection is to be opened with. */
  readonly connection: ByteConnectionOptions;
  /** Fields that the application adds to the response; they have been checked. */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  /** Runs the route's handler on the connection. */
  open(connection: Connection): Socket;
}

/** Send the response that `authorize` gave, and close. */
export interface UpgradeAnswered {
  readonly kind: "answer";
  readonly response: Response;
  /** Tells the server's owner that the response cannot be sent. */
  readonly onFailure: (error: unknown) => void;
}
