import type { Duplex } from "node:stream";
import type { ByteTransport } from "../../connection/byte-transport.ts";
import type { HttpRefusal, UpgradeResponse } from "../../protocol/handshake/index.ts";
import type { UpgradeAnswered } from "../../server/upgrade.ts";

/** Answers one request for a WebSocket, in the way of its HTTP version. */
export interface UpgradeResponder {
  /** The stream on which the client's next bytes arrive. */
  readonly stream: Duplex;
  /**
   * Sends the response that accepts. Returns the transport of the WebSocket; undefined if the client has left.
   *
   * @param response its `acceptKey` is empty if the request had no key (HTTP/2)
   * @param hasHead whether the connection must get earlier bytes before it reads more
   */
  accept(response: UpgradeResponse, hasHead: boolean): ByteTransport | undefined;
  /** Refuses, and closes the stream. */
  refuse(refusal: HttpRefusal): void;
  /** Sends the `Response` of `authorize`, and closes the stream. */
  answer(answered: UpgradeAnswered): void;
  /** Closes the stream. */
  drop(): void;
}
