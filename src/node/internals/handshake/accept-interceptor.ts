import type { Server } from "node:http";
import { Socket } from "node:net";
import { platform } from "node:process";
import { undocumented } from "../undocumented.ts";
import { isTcpHandle, streamWrap, type TcpHandle } from "../tcp/stream-wrap.ts";

/** What of the inside of a listening server is used here, the same in Node 20, 22 and 24. */
type InsideServer = Server & {
  readonly _handle: ListeningHandle | null;
  /** How many connections there are, which `maxConnections` and the end of `close` go by. */
  _connections: number;
  /** To be called whenever there is one less. */
  _emitCloseIfDrained(): void;
};

interface ListeningHandle {
  onconnection(status: number, handle?: object): void;
}

/**
 * The connections that a listening server accepts, before it makes sockets of them. Those that are
 * not given back to it have to be counted here as if they had been.
 */
export class AcceptingServer {
  readonly #server: InsideServer;
  readonly #accept: ListeningHandle["onconnection"];
  /** What came on the connection that is being given back. */
  #firstBytes: Uint8Array | undefined;

  /**
   * Hands what `server` accepts to `onAccepted`, which says whether it has taken it. Undefined where
   * this Node is not as expected, or `server` does not listen.
   */
  static intercept(
    server: Server,
    onAccepted: (handle: TcpHandle) => boolean,
  ): AcceptingServer | undefined {
    const inside = server as InsideServer;
    const isAsExpected =
      undocumented.isUsed &&
      // What libuv does otherwise on Windows has not been tried.
      platform !== "win32" &&
      streamWrap !== undefined &&
      typeof inside._handle?.onconnection === "function" &&
      typeof inside._connections === "number" &&
      typeof inside._emitCloseIfDrained === "function";
    return isAsExpected ? new AcceptingServer(inside, inside._handle, onAccepted) : undefined;
  }

  private constructor(
    server: InsideServer,
    listening: ListeningHandle,
    onAccepted: (handle: TcpHandle) => boolean,
  ) {
    this.#server = server;
    const accept = listening.onconnection.bind(listening);
    this.#accept = accept;
    listening.onconnection = (status, handle) => {
      const isTaken =
        status === 0 &&
        handle !== undefined &&
        this.#hasRoom() &&
        isTcpHandle(handle) &&
        onAccepted(handle);
      if (isTaken) server._connections++;
      else accept(status, handle);
    };
    // Before the HTTP server's own listener, which is going to read.
    server.prependListener("connection", (socket: Socket) => {
      if (this.#firstBytes !== undefined) socket.unshift(this.#firstBytes);
      this.#firstBytes = undefined;
    });
  }

  /** Has the server make a socket of a connection, and serve it, as if nobody had looked at it. */
  giveBack(handle: TcpHandle, firstBytes?: Uint8Array): void {
    this.#server._connections--;
    this.#firstBytes = firstBytes;
    handle.readStop();
    this.#accept(0, handle);
    // The server may have dropped it.
    this.#firstBytes = undefined;
  }

  /** Makes a socket of a connection that the server is not to hear of again. */
  toSocket(handle: TcpHandle): Socket {
    handle.readStop();
    const options: object = { handle, allowHalfOpen: true };
    const socket = new Socket(options);
    socket.once("close", this.forget);
    return socket;
  }

  /** Counts one connection less. */
  readonly forget = (): void => {
    this.#server._connections--;
    this.#server._emitCloseIfDrained();
  };

  #hasRoom(): boolean {
    const { maxConnections, _connections } = this.#server;
    return !(maxConnections <= _connections);
  }
}
