/// <reference types="node" preserve="true" />
import {
  createServer,
  type Server as HttpServer,
  type ServerOptions as HttpOptions,
} from "node:http";
import type { Server as HttpsServer, ServerOptions as HttpsOptions } from "node:https";
import { invalidOption } from "../../errors/check-options.ts";
import type { ApplicationOptions } from "../../server/options/application-options.ts";
import { createApplication } from "../../server/application.ts";
import { checkOptions } from "../../server/options/check-options.ts";
import type { Route, RoutesOption } from "../../server/routes/routes.ts";
import { refuseClientErrors } from "../http/client-error.ts";
import { dropStalledConnections } from "../http/stalled-connections.ts";
import { Http1Listener } from "../http/http1-listener.ts";
import { SharedHttpServer } from "../http/shared-http-server.ts";
import { Http2Listener } from "../http2/http2-listener.ts";
import { listen, readListenPlace } from "./listen.ts";
import { ListeningServer } from "./listening-server.ts";
import { type Attachment, type Server } from "./running-server.ts";
import { resolveStopOptions, type StopOptions } from "./stop-options.ts";
import { checkHttpServer } from "./http-server-argument.ts";
import { RUNTIME_GAPS } from "./runtime-gaps.ts";
import { serveEnvironment } from "./serve-environment.ts";
import { checkHttp2, checkTls, createTlsServer, withHttp2 } from "./tls-options.ts";
import { MAX_HEADER_BYTES } from "../requests/request-target.ts";

/** Options of {@link attach}. */
export interface AttachOptions extends ApplicationOptions {
  /**
   * Whether to use fast paths that depend on undocumented Node.js APIs. They need fewer calls and less memory
   * to read, write, compress and answer handshakes. The server first checks whether this Node.js version
   * supports a fast path, and otherwise uses documented APIs. The environment variable `TIDEWAY_FAST_PATHS=0`
   * disables them for all servers and clients of a process. Default: `true`.
   */
  readonly fastPaths?: boolean;
}

/** Options of {@link serve}: the options of `attach`, and where to listen. */
export interface ServeOptions extends AttachOptions {
  /** The port to listen on, from 0 to 65535; 0 selects a free port. Default: 8080. */
  readonly port?: number;
  /** The address or host name to listen on. Default: all addresses of this machine. */
  readonly host?: string;
  /**
   * Whether other processes may listen on the same port. Each process sets this option, and the kernel spreads
   * the connections over them. Needs Linux, FreeBSD or another system with `SO_REUSEPORT` for this purpose, and
   * Node.js 22.12 or 23.1 or newer, or Deno. Otherwise `serve` rejects with `LISTEN_FAILED`. Not together with `path`.
   * Default: `false`.
   */
  readonly reusePort?: boolean;
  /**
   * The maximum number of connections that wait until the server accepts them. The operating system drops
   * further connections without a response, and their clients try again after a second or more. Its own limit,
   * such as `net.core.somaxconn` of Linux, also applies. An integer from 1 to 65,535. Default: 4,096.
   */
  readonly backlog?: number;
  /**
   * The path of a Unix socket to listen on, instead of `port` and `host`. If the file exists and no process
   * listens on it, the server replaces it; `stop` removes it. The permissions of its directory and the umask
   * control access. The `remoteAddress` of all clients is an empty string.
   */
  readonly path?: string;
  /**
   * The certificate, the key and other options of `node:https`. With them, the server uses TLS: clients
   * connect with `wss:` and `https:`. Default: no TLS.
   */
  readonly tls?: HttpsOptions;
  /**
   * Whether clients may use HTTP/2 (RFC 9113), including WebSockets over HTTP/2 (RFC 8441). A client's
   * requests and WebSockets then share one connection. The server still accepts HTTP/1.1 on the same port.
   * Needs `tls`, and a runtime that negotiates ALPN in `node:https`, which Bun does not. Default: `true` with
   * `tls`, except in Bun; otherwise `false`.
   */
  readonly http2?: boolean;
}

/** The routes without their inferred types. */
type AnyRoutes = Readonly<Record<string, Route>>;

/**
 * Starts a server for WebSockets and HTTP requests. Resolves once the server listens.
 *
 * @example
 * ```ts
 * const server = await serve({
 *   port: 8080,
 *   routes: {
 *     "/": () => new Response("hello"),
 *     "ws:/echo": (socket) => socket.listen((message) => socket.send(message)),
 *   },
 * });
 * console.log(server.url);
 * ```
 *
 * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`; `UNSUPPORTED` if this runtime
 *   does not have what an option needs
 * @throws TransportError `LISTEN_FAILED` if it cannot listen, for example because the port is in use
 */
export async function serve<
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(options: ServeOptions & RoutesOption<Key, Protocols, States, Schemas>): Promise<Server> {
  checkOptions("serve", options);
  const {
    routes,
    port,
    host,
    path,
    reusePort,
    backlog,
    tls,
    http2 = tls !== undefined && RUNTIME_GAPS.http2 === undefined,
    fastPaths = true,
    ...applicationOptions
  } = options;
  const place = readListenPlace(port, host, path, reusePort, backlog);
  checkTls(tls);
  checkHttp2(http2, tls);
  checkFastPaths("serve", fastPaths);
  const environment = serveEnvironment(fastPaths);
  const application = createApplication(
    routes as AnyRoutes,
    applicationOptions,
    "serve",
    environment.server,
  );
  const { handshakeTimeoutMs } = application;
  const httpServer =
    tls === undefined
      ? createServer(httpOptions(handshakeTimeoutMs))
      : createTlsServer(httpsOptions(handshakeTimeoutMs, http2 ? withHttp2(tls) : tls));
  const http1 = new Http1Listener(application, httpServer, environment);
  http1.listen(environment.requestLimiter);
  const http2Listener = http2
    ? new Http2Listener(application, httpServer as HttpsServer, environment)
    : undefined;
  refuseClientErrors(httpServer, http1);
  dropStalledConnections(httpServer, (connection) => http1.isBusy(connection));
  httpServer.maxConnections = connectionsFor(application.maxConnections);
  await listen(httpServer, place);
  httpServer.on("error", (error) => application.report(error, {}));
  return new ListeningServer(
    httpServer,
    http1,
    http2Listener,
    place,
    tls !== undefined,
    environment,
  );
}

/**
 * Adds routes to an existing HTTP server, such as the server of an Express, Fastify, Koa or Vite application.
 *
 * A request or upgrade that matches a route goes to that route, and to no other listener of `httpServer`.
 * Every other request or upgrade goes to the listeners of `httpServer`, whether they were added before or
 * after this call. If there are none, the client gets an HTTP error. If several attachments have a route for
 * a request, the latest attachment answers.
 *
 * `httpServer.close()` closes the WebSockets with 1001, and drops the remaining ones after ten seconds. For
 * another close code or timeout, call `stop` on the attachment first.
 *
 * The HTTP server's own options limit the time and the size of a request head, and the number of connections.
 * If `maxHeadersCount` is 100 or less, a request with that many headers gets 431, because the HTTP server may
 * have dropped further headers.
 *
 * @param httpServer a server of `node:http` or `node:https`
 * @example
 * ```ts
 * const httpServer = createServer(app).listen(8080);
 * attach(httpServer, {
 *   routes: { "ws:/echo": (socket) => socket.listen((message) => socket.send(message)) },
 * });
 * ```
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
  options: AttachOptions & RoutesOption<Key, Protocols, States, Schemas>,
): Attachment {
  checkHttpServer(httpServer);
  checkOptions("attach", options);
  const { routes, fastPaths = true, ...applicationOptions } = options;
  checkFastPaths("attach", fastPaths);
  const environment = serveEnvironment(fastPaths);
  const application = createApplication(
    routes as AnyRoutes,
    applicationOptions,
    "attach",
    environment.server,
  );
  const shared = SharedHttpServer.of(httpServer, resolveStopOptions());
  const http1 = new Http1Listener(application, httpServer, environment);
  shared.add(http1, environment.requestLimiter);
  const { log } = environment.connections;
  if (log.isEnabled) {
    log.write(() => `server ${log.idOf("server", http1)} attached to an HTTP server`);
  }
  return {
    sockets: application.sockets,
    async stop(stopOptions?: StopOptions) {
      const plan = resolveStopOptions(stopOptions);
      shared.beginStop(http1);
      await http1.stop(plan);
      shared.remove(http1);
    },
    async [Symbol.asyncDispose]() {
      await this.stop();
    },
  };
}

/** The minimum number of connections, in addition to WebSockets, that the server accepts. */
const MIN_OTHER_CONNECTIONS = 1000;

function httpOptions(handshakeTimeoutMs: number): HttpOptions {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: handshakeTimeoutMs,
    // A timeout may fire late by up to this interval.
    connectionsCheckingInterval: Math.min(1000, Math.ceil(handshakeTimeoutMs / 8)),
  };
}

function httpsOptions(handshakeTimeoutMs: number, tls: HttpsOptions): HttpsOptions {
  return { ...httpOptions(handshakeTimeoutMs), handshakeTimeout: handshakeTimeoutMs, ...tls };
}

function checkFastPaths(where: "serve" | "attach", fastPaths: unknown): void {
  if (typeof fastPaths === "boolean") return;
  throw invalidOption(where, "fastPaths", fastPaths, "a boolean");
}

/**
 * The limit for all connections together. It leaves room for HTTP requests, and for handshakes that get 503.
 */
function connectionsFor(webSockets: number): number {
  return webSockets + Math.max(webSockets, MIN_OTHER_CONNECTIONS);
}
