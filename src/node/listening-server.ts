import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import type { HttpFront } from "./http-front.ts";
import {
  type OpenSockets,
  type ResolvedStopOptions,
  resolveStopOptions,
  type Server,
  type StopOptions,
} from "./running-server.ts";
import { withDeadline } from "./with-deadline.ts";

/** A server of our own, which has just begun to listen. */
export class ListeningServer implements Server {
  readonly httpServer: HttpServer;
  readonly sockets: OpenSockets;
  readonly url: string;
  readonly port: number;
  readonly #front: HttpFront;
  readonly #connections = new Set<Duplex>();
  /** What is below the connections where there is TLS, and all there is during its handshake. */
  readonly #transports = new Set<Duplex>();
  #stopped: Promise<void> | undefined;

  constructor(httpServer: HttpServer, front: HttpFront, host: string | undefined) {
    const isSecure = httpServer instanceof TlsServer;
    this.httpServer = httpServer;
    this.sockets = front.sockets;
    this.port = (httpServer.address() as AddressInfo).port;
    this.url = `${isSecure ? "https" : "http"}://${urlHost(host)}:${this.port}`;
    this.#front = front;
    if (isSecure) track(httpServer, "connection", this.#transports);
    track(httpServer, isSecure ? "secureConnection" : "connection", this.#connections);
  }

  async stop(options?: StopOptions): Promise<void> {
    const resolved = resolveStopOptions(options);
    this.#stopped ??= this.#stop(resolved);
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(options: ResolvedStopOptions): Promise<void> {
    const closed = new Promise<void>((resolve) => this.httpServer.close(() => resolve()));
    const working = this.#front.stop(options);
    drop(this.#front.idleAmong(this.#connections));
    await withDeadline(Promise.all([working, closed]), options.timeoutMs, () => {
      drop(this.#connections);
      drop(this.#transports);
    });
  }
}

function track(httpServer: HttpServer, event: string, connections: Set<Duplex>): void {
  httpServer.on(event, (connection: Duplex) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
  });
}

function drop(connections: Iterable<Duplex>): void {
  for (const connection of connections) connection.destroy();
}

/** What to call the address `host` in a URL. */
function urlHost(host = "::"): string {
  if (host === "::" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
