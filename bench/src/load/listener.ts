import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { ConnectionListener } from "./connection.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A client under test, after its opening handshake. */
export interface AcceptedClient {
  write(bytes: Uint8Array, onWritten?: () => void): void;
}

/** The server for clients under test. It uses plain `node:net` to need little processor time. */
export class LoadListener {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  /** Listens on a free port, and calls `accept` for each client after its opening handshake. */
  static listen(accept: (client: AcceptedClient) => ConnectionListener): Promise<LoadListener> {
    return new Promise((resolve, reject) => {
      const listener = new LoadListener(accept);
      listener.#server.once("error", reject);
      listener.#server.listen(0, "127.0.0.1", () => {
        resolve(listener);
      });
    });
  }

  private constructor(accept: (client: AcceptedClient) => ConnectionListener) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.push(socket);
      shakeHands(socket, accept);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

function shakeHands(socket: Socket, accept: (client: AcceptedClient) => ConnectionListener): void {
  let head = "";
  let listener: ConnectionListener | undefined;
  socket.on("error", (error) => listener?.onFailed(error));
  socket.on("end", () => listener?.onFailed(new Error("the client ended a connection")));
  socket.on("data", (bytes: Buffer) => {
    if (listener !== undefined) {
      try {
        listener.onBytes(bytes, bytes.length);
      } catch (error) {
        listener.onFailed(error as Error);
      }
      return;
    }
    // Clients send no frames before the response, so the head is the end of the bytes.
    head += bytes.toString("latin1");
    if (!head.endsWith("\r\n\r\n")) return;
    socket.write(upgradeResponse(head));
    listener = accept(socket);
  });
}

function upgradeResponse(head: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${createHash("sha1")
      .update(key + GUID)
      .digest("base64")}`,
    "",
    "",
  ].join("\r\n");
}
