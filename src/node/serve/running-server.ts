/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { Server as HttpServer } from "node:http";
import type { Socket } from "../../server/socket/socket-interface.ts";
import type { StopOptions } from "./stop-options.ts";

/** The open sockets of a server. Iterate over them to send a message to all clients. */
export interface OpenSockets extends Iterable<Socket> {
  /** The number of open sockets. */
  readonly size: number;
}

/** The routes that `attach` has added to an HTTP server. */
export interface Attachment extends AsyncDisposable {
  /** The open sockets of these routes. */
  readonly sockets: OpenSockets;
  /**
   * Closes all sockets of these routes, and leaves requests to the other listeners of the HTTP server. The
   * HTTP server keeps listening. If it has no other listener, requests get 503 until `stop` resolves.
   *
   * Resolves when the sockets have ended and their handlers have returned, or after `timeoutMs`. A second
   * call can only bring the deadline forward, as with `stop` in {@link Server}.
   *
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION`
   */
  stop(options?: StopOptions): Promise<void>;
}

/** A running server: the result of `serve`. */
export interface Server extends AsyncDisposable {
  /**
   * The base URL without a trailing slash, for URLs such as `${server.url}/path`. Examples:
   * `http://localhost:8080`, or `http+unix:/run/app.sock:` on a Unix socket.
   */
  readonly url: string;
  /** The port; 0 on a Unix socket. */
  readonly port: number;
  /** The path of the Unix socket, as in the `path` option; undefined for a server on a port. */
  readonly path: string | undefined;
  /**
   * The underlying `node:http` or `node:https` server. To stop it, call `server.stop` instead of
   * `httpServer.close`, which waits for the WebSockets but does not close them.
   */
  readonly httpServer: HttpServer;
  /** The open sockets of all routes. */
  readonly sockets: OpenSockets;
  /**
   * Stops the server: stops listening, closes all sockets, and waits for pending requests and handlers.
   * Requests that arrive during the shutdown get 503 with `Retry-After` and `Connection: close`. Resolves
   * when all connections, requests and handlers have ended. After `timeoutMs`, the server drops the remaining
   * ones.
   *
   * A second call can only bring the deadline forward, because the earlier deadline applies. During a drain,
   * a second call without `drain` closes the remaining sockets at once, with its own code. All calls resolve
   * together.
   *
   * @throws UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON`, `INVALID_OPTION`
   */
  stop(options?: StopOptions): Promise<void>;
}
