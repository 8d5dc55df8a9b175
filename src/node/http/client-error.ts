import type { Server as HttpServer } from "node:http";
import type { Duplex } from "node:stream";
import type { Http1Listener } from "./http1-listener.ts";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";

const BAD_REQUEST = refuse(400, "The request is malformed.");

const TLS_TO_PLAIN = refuse(
  400,
  "The client uses TLS, but this port does not; connect with ws: or http:, or pass tls to the server.",
);

interface ClientError extends Error {
  readonly code?: string;
  /** The received bytes that were not parsed. */
  readonly rawPacket?: Uint8Array;
}

/** Whether the bytes begin like a ClientHello (RFC 8446 5.1). */
function isTls({ rawPacket }: ClientError): boolean {
  return rawPacket?.[0] === 0x16 && rawPacket[1] === 0x03;
}

/** The refusals, by the error code of `node:http`. */
const REFUSALS: Readonly<Record<string, HttpRefusal>> = {
  HPE_HEADER_OVERFLOW: refuse(431, "The request head is too large."),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: refuse(413, "The chunk extensions are too large."),
  ERR_HTTP_REQUEST_TIMEOUT: refuse(408, "The request did not arrive in time.", {
    option: "handshakeTimeoutMs",
  }),
};

/**
 * Refuses CONNECT requests, and bytes that `node:http` cannot parse as a request, and then closes the
 * connection.
 */
export function refuseClientErrors(httpServer: HttpServer, listener: Http1Listener): void {
  // Runs before the 'clientError' event that `node:https` emits for the same error. A response to that event
  // would wait for the end of the TLS handshake, and would then be sent before the response to the first
  // request. With HTTP/2, it would abort the process, because the session does not write through the socket.
  httpServer.prependListener("tlsClientError", (_error, socket: Duplex) => socket.destroy());
  const refused = new WeakSet<Duplex>();
  httpServer.on("clientError", (error: ClientError, socket) => {
    // After an error, the parser reports an error for each further chunk.
    if (refused.has(socket)) return;
    refused.add(socket);
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const refusal = isTls(error) ? TLS_TO_PLAIN : REFUSALS[error.code ?? ""];
    listener.refuseGarbage(socket, refusal ?? BAD_REQUEST);
  });
  httpServer.on("connect", (request, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    listener.refuseConnect(request, socket);
  });
}
