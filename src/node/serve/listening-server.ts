import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Http2Listener } from "../http2/http2-listener.ts";
import type { InterceptedConnections } from "../http/handshake-interceptor.ts";
import type { Http1Listener } from "../http/http1-listener.ts";
import { DeadlineTask } from "../requests/deadline-task.ts";
import type { ListenPlace } from "./listen.ts";
import type { ServeEnvironment } from "./serve-environment.ts";
import { shutdownRefusal } from "../requests/refused-requests.ts";
import { type OpenSockets, type Server } from "./running-server.ts";
import { serverUrl } from "./server-url.ts";
import { resolveStopOptions, type StopOptions } from "./stop-options.ts";
import { TlsHandshakes } from "./tls-handshakes.ts";

/** The server that `serve` returns. It is created after the HTTP server has begun to listen. */
export class ListeningServer implements Server {
  readonly httpServer: HttpServer;
  readonly sockets: OpenSockets;
  readonly url: string;
  readonly port: number;
  readonly path: string | undefined;
  readonly #http1: Http1Listener;
  readonly #http2: Http2Listener | undefined;
  readonly #connections = new Set<Duplex>();
  /** Undefined without TLS. */
  readonly #tlsHandshakes: TlsHandshakes | undefined;
  /** The connections that have not been passed to `node:http` yet. */
  readonly #intercepted: InterceptedConnections | undefined;
  #shutdown: DeadlineTask | undefined;

  constructor(
    httpServer: HttpServer,
    http1: Http1Listener,
    http2: Http2Listener | undefined,
    place: ListenPlace,
    isSecure: boolean,
    { handshakes, connections: { log } }: ServeEnvironment,
  ) {
    this.httpServer = httpServer;
    this.sockets = http1.sockets;
    if ("path" in place) this.path = place.path;
    this.port = "path" in place ? 0 : (httpServer.address() as AddressInfo).port;
    this.url = serverUrl(place, this.port, isSecure);
    this.#http1 = http1;
    this.#http2 = http2;
    if (isSecure) this.#tlsHandshakes = new TlsHandshakes(httpServer, "path" in place);
    const connections = this.#connections;
    // One function for all connections, because a closure for each connection would use memory.
    const forget = function (this: Duplex): void {
      connections.delete(this);
    };
    const track = (connection: Duplex): void => {
      // The event is emitted again for a socket after its upgrade has been ignored.
      if (connections.has(connection) || http2?.has(connection)) return;
      connections.add(connection);
      connection.on("close", forget);
    };
    httpServer.on(isSecure ? "secureConnection" : "connection", track);
    // Called after all listeners of this package have been added, because the interceptor must know them.
    if (!isSecure) this.#intercepted = handshakes.intercept(httpServer, http1, track);
    if (!log.isEnabled) return;
    const name = `server ${log.idOf("server", http1)}`;
    log.write(() => `${name} listens on ${this.url}`);
    httpServer.on("drop", () => {
      const { maxConnections } = httpServer;
      log.write(
        () =>
          `${name} dropped a connection: the limit of ${maxConnections} open connections is reached`,
      );
    });
  }

  async stop(options?: StopOptions): Promise<void> {
    const plan = resolveStopOptions(options);
    const working = this.#http1.stop(plan);
    this.#http2?.stop(shutdownRefusal(plan.timeoutMs));
    this.#shutdown ??= new DeadlineTask(this.#close(working), () => this.#drop());
    this.#shutdown.setDeadline(plan.timeoutMs);
    await this.#shutdown.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Stops listening, and drops idle connections. Resolves when all connections are closed. */
  async #close(working: Promise<void>): Promise<void> {
    const closed = new Promise<void>((resolve) => this.httpServer.close(() => resolve()));
    drop(this.#http1.idleAmong(this.#connections));
    this.#tlsHandshakes?.drop();
    this.#intercepted?.drop();
    await Promise.all([working, closed]);
  }

  #drop(): void {
    drop(this.#connections);
    this.#http2?.drop();
  }
}

function drop(connections: Iterable<Duplex>): void {
  for (const connection of connections) connection.destroy();
}
