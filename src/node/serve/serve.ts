import { createServer, type Server as HttpServer } from "node:http";
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions as HttpsOptions,
} from "node:https";
import { TransportError } from "../../errors/index.ts";
import {
  type ApplicationOptions,
  createApplication,
  type ServerRuntime,
} from "../../server/application.ts";
import { invalidOption } from "../../server/options.ts";
import type { Route, Routes } from "../../server/route-types.ts";
import { refuseClientErrors } from "../http/client-error.ts";
import { dropStalledPeers } from "../http/stalled-peers.ts";
import { HttpFront } from "../http/http-front.ts";
import { ListeningServer } from "./listening-server.ts";
import {
  type Attachment,
  resolveStopOptions,
  type Server,
  type StopOptions,
} from "./running-server.ts";
import { nodeEnvironment } from "../environment.ts";

/** Where and how to listen, besides all that {@link ApplicationOptions} say. */
export interface ServeOptions extends ApplicationOptions {
  /** Default 8080; 0 for any that is free. */
  readonly port?: number;
  /** The address to listen on. Default: all of this machine's. */
  readonly host?: string;
  /** Certificate, key and whatever else `node:https` takes: with these, the server ends TLS itself. */
  readonly tls?: HttpsOptions;
}

/** Types of `serve` and `attach` that are inferred from the routes; see {@link Routes}. */
export interface RoutesOption<Key extends string, Protocols, States, Schemas> {
  readonly routes: Routes<Key, Protocols, States, Schemas>;
}

/** What the routes are once their types have served their purpose. */
type AnyRoutes = Readonly<Record<string, Route>>;

/**
 * Starts a server. Resolves once it listens.
 *
 * Rejects with UsageError `INVALID_ROUTE`, `INVALID_OPTION` or `INVALID_ORIGIN`, and with
 * TransportError `LISTEN_FAILED` where the port is taken, for one.
 */
export async function serve<
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(options: ServeOptions & RoutesOption<Key, Protocols, States, Schemas>): Promise<Server> {
  const { routes, port = 8080, host, tls, ...applicationOptions } = options;
  checkPort(port);
  const application = createApplication(routes as AnyRoutes, applicationOptions, RUNTIME);
  const httpServer = createHttpServer(application.handshakeTimeoutMs, tls);
  const front = new HttpFront(application, httpServer);
  refuseClientErrors(httpServer, front);
  dropStalledPeers(httpServer, front);
  httpServer.maxConnections = connectionsFor(application.maxConnections);
  await listen(httpServer, port, host);
  httpServer.on("error", (error) => application.report(error, {}));
  return new ListeningServer(httpServer, front, host);
}

/**
 * Puts routes in front of an HTTP server that exists already. What they are not for goes to the
 * listeners that the server had before, for `request` and for `upgrade`; without any, it is refused.
 * Listeners that are added later see every request, so add them first.
 *
 * The limits on the head of a request (time, bytes) are the HTTP server's own, and so is that on the
 * number of its connections. A head of which it may have dropped fields, by a `maxHeadersCount` of at
 * most 100, is refused with 431.
 *
 * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`
 */
export function attach<
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(
  httpServer: HttpServer | HttpsServer,
  options: ApplicationOptions & RoutesOption<Key, Protocols, States, Schemas>,
): Attachment {
  const { routes, ...applicationOptions } = options;
  const application = createApplication(routes as AnyRoutes, applicationOptions, RUNTIME);
  const front = new HttpFront(application, httpServer);
  return {
    sockets: application.sockets,
    async stop(stopOptions?: StopOptions) {
      const farewell = resolveStopOptions(stopOptions);
      front.detach();
      await front.stop(farewell);
    },
    async [Symbol.asyncDispose]() {
      await this.stop();
    },
  };
}

const RUNTIME: ServerRuntime = {
  ...nodeEnvironment,
  inNextTurn: setImmediate,
  random: Math.random,
};

/** How many bytes the head of a request may have. */
const MAX_HEADER_BYTES = 16_384;

/** How many connections that are no WebSocket there may always be. */
const MIN_OTHER_CONNECTIONS = 1000;

function createHttpServer(handshakeTimeoutMs: number, tls: HttpsOptions | undefined): HttpServer {
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: handshakeTimeoutMs,
    // How often timeouts are looked for, and so how late they may be.
    connectionsCheckingInterval: Math.min(1000, handshakeTimeoutMs),
  };
  if (tls === undefined) return createServer(options);
  return createHttpsServer({ handshakeTimeout: handshakeTimeoutMs, ...options, ...tls });
}

/** How many connections of any kind to take: pages, and those to be told that there is no room, too. */
function connectionsFor(webSockets: number): number {
  return webSockets + Math.max(webSockets, MIN_OTHER_CONNECTIONS);
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw invalidOption("serve", "port", port, "an integer from 0 to 65535");
}

function listen(httpServer: HttpServer, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      const where = `${host ?? "*"}:${port}`;
      reject(
        new TransportError("LISTEN_FAILED", `cannot listen on ${where}: ${cause.message}`, {
          cause,
        }),
      );
    };
    httpServer.once("error", onError);
    httpServer.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      httpServer.off("error", onError);
      resolve();
    });
  });
}
