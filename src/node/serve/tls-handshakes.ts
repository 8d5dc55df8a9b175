import type { Server, Socket } from "node:net";

/** The connections of a TLS server with an unfinished TLS handshake. */
export class TlsHandshakes {
  /** The connections below TLS, by the address and port of the client; each is its own key on a Unix socket. */
  readonly #transports = new Map<unknown, Socket>();
  /** On a Unix socket, the number of connections with a finished handshake. */
  #finishedCount = 0;
  #isDropping = false;

  /** @param isLocal whether the server listens on a Unix socket. There, clients have no address. */
  constructor(httpServer: Server, isLocal: boolean) {
    httpServer.on("connection", (transport: Socket) => {
      const key = isLocal ? transport : peerOf(transport);
      this.#transports.set(key, transport);
      transport.once("close", () => {
        if (this.#transports.get(key) === transport) this.#transports.delete(key);
      });
    });
    httpServer.on("secureConnection", (connection: Socket) => {
      if (isLocal) this.#countFinished(connection);
      else this.#transports.delete(peerOf(connection));
    });
  }

  /** Drops the connections, on a Unix socket only when all finished handshakes belong to closed connections. */
  drop(): void {
    this.#isDropping = true;
    if (this.#finishedCount > 0) return;
    for (const transport of this.#transports.values()) transport.destroy();
  }

  /** Without addresses, the transport of a finished connection is not known. */
  #countFinished(connection: Socket): void {
    this.#finishedCount++;
    connection.once("close", () => {
      this.#finishedCount--;
      if (this.#isDropping) this.drop();
    });
  }
}

/** Identifies a TLS connection and the TCP connection below it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
