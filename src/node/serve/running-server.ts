/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { Server as HttpServer } from "node:http";
import type { Socket } from "../../server/socket.ts";
import type { StopOptions } from "./stop-options.ts";

/** The sockets that are open on a server. */
export interface OpenSockets extends Iterable<Socket> {
  readonly size: number;
}

/** Routes that share an HTTP server with others. */
export interface Attachment extends AsyncDisposable {
  readonly sockets: OpenSockets;
  /**
   * Closes all sockets and leaves all requests to the other listeners of the HTTP server, which keeps
   * listening. If it has no other listener, requests get 503 until `stop` resolves.
   *
   * Resolves when the sockets have ended and their handlers have returned, or after `timeoutMs`. A
   * further call can only shorten the time, as with {@link Server}.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /**
   * The base URL, such as `http://localhost:8080`, or `http+unix:/run/app.sock:` on a Unix socket. It
   * has no slash at its end, so that clients of this package can use `${server.url}/path`.
   */
  readonly url: string;
  /** The port; 0 on a Unix socket. */
  readonly port: number;
  /** The path of the Unix socket, as in the option `path`. */
  readonly path: string | undefined;
  /**
   * The underlying server of Node. Its `close` waits for the WebSockets but does not close them: call
   * `stop` instead.
   */
  readonly httpServer: HttpServer;
  readonly sockets: OpenSockets;
  /**
   * Stops listening, closes all sockets, and waits for pending requests and handlers. Requests that
   * arrive meanwhile get 503 with `Retry-After` and `Connection: close`. Resolves when everything has
   * ended, or was dropped after `timeoutMs`.
   *
   * A further call can only shorten the time: the earlier end applies. A call without `drain` closes the
   * sockets that a drain has not closed yet at once, with its own code. All calls resolve together.
   *
   * Rejects with UsageError `INVALID_CLOSE_CODE`, `INVALID_CLOSE_REASON` or `INVALID_OPTION`.
   */
  stop(options?: StopOptions): Promise<void>;
}
