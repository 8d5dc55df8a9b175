import type { Duplex } from "node:stream";
import type { ByteTransport } from "../../connection/byte-transport.ts";
import type { HttpRefusal, UpgradeResponse } from "../../protocol/handshake/index.ts";
import type { UpgradeAnswered } from "../../server/requests/upgrade-attempt.ts";

/** Answers one request for a WebSocket, in the form of its HTTP version. */
export interface UpgradeResponder {
  /** The stream on which the client's next bytes arrive. */
  readonly stream: Duplex;
  /**
   * Sends the response that accepts the request. Returns the transport of the WebSocket; undefined if the
   * client has disconnected.
   *
   * @param response its `acceptKey` is empty if the request had no key (HTTP/2)
   * @param hasHead whether bytes arrived together with the request, which the connection must get before
   *   further bytes
   */
  accept(response: UpgradeResponse, hasHead: boolean): ByteTransport | undefined;
  /** Sends a refusal, and closes the stream. */
  refuse(refusal: HttpRefusal): void;
  /** Sends the `Response` of `authorize`, and closes the stream. */
  answer(answered: UpgradeAnswered): void;
  /** Closes the stream. */
  drop(): void;
}
