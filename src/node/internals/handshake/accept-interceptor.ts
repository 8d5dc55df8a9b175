import type { Server } from "node:http";
import { Socket } from "node:net";
import { platform } from "node:process";
import { logUnusedFastPath } from "../../environment/debug-log.ts";
import { hasStreamWrap, isTcpHandle, type TcpHandle } from "../tcp/stream-wrap.ts";

/** The internals of a listening server that this file uses. They are the same in Node.js 20, 22 and 24. */
type ServerInternals = Server & {
  readonly _handle: ListeningHandle | null;
  /** The number of connections, which `maxConnections` limits and `close` waits for. */
  _connections: number;
  /** Must be called whenever `_connections` decreases. */
  _emitCloseIfDrained(): void;
};

interface ListeningHandle {
  onconnection(status: number, handle?: object): void;
}

/**
 * Intercepts the connections that a listening server accepts, before the server creates sockets for them. The
 * server still counts every connection, including connections that are not passed to it.
 */
export class AcceptInterceptor {
  readonly #server: ServerInternals;
  readonly #accept: ListeningHandle["onconnection"];
  /** The bytes that were read from the connection that is currently given back to the server. */
  #firstBytes: Uint8Array | undefined;

  /**
   * Calls `onAccepted` for each new connection of `server`. `onAccepted` returns whether it takes over the
   * connection. Returns undefined if this Node.js version does not support that, or if `server` does not
   * listen.
   */
  static intercept(
    server: Server,
    onAccepted: (handle: TcpHandle) => boolean,
  ): AcceptInterceptor | undefined {
    const internals = server as ServerInternals;
    const isSupported =
      // Not tested on Windows, where libuv works differently.
      platform !== "win32" &&
      typeof internals._handle?.onconnection === "function" &&
      typeof internals._connections === "number" &&
      typeof internals._emitCloseIfDrained === "function" &&
      hasStreamWrap();
    if (isSupported) return new AcceptInterceptor(internals, internals._handle, onAccepted);
    logUnusedFastPath(
      "opening handshakes",
      platform === "win32" ? "it is not tested on Windows" : undefined,
    );
    return undefined;
  }

  private constructor(
    server: ServerInternals,
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
    // Runs before the HTTP server's own listener, which starts to read.
    server.prependListener("connection", (socket: Socket) => {
      if (this.#firstBytes !== undefined) socket.unshift(this.#firstBytes);
      this.#firstBytes = undefined;
    });
  }

  /** Passes a connection to the server, which creates a socket for it as if it had not been intercepted. */
  giveBack(handle: TcpHandle, firstBytes?: Uint8Array): void {
    this.#server._connections--;
    this.#firstBytes = firstBytes;
    handle.readStop();
    this.#accept(0, handle);
    // The server may have dropped the connection.
    this.#firstBytes = undefined;
  }

  /** Creates a socket for a connection that is not passed to the server. */
  toSocket(handle: TcpHandle): Socket {
    handle.readStop();
    const options: object = { handle, allowHalfOpen: true };
    const socket = new Socket(options);
    socket.once("close", this.forget);
    return socket;
  }

  /** Subtracts a closed connection from the count of the server. */
  readonly forget = (): void => {
    this.#server._connections--;
    this.#server._emitCloseIfDrained();
  };

  #hasRoom(): boolean {
    const { maxConnections, _connections } = this.#server;
    return !(maxConnections <= _connections);
  }
}
