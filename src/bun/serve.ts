import { FlushQueue } from "../connection/flush-queue.ts";
import { UsageError } from "../errors/index.ts";
import { flushOnExit } from "../node/environment/flush-on-exit.ts";
import { inNextTurn } from "../node/environment/timers.ts";
import { ProxiedTargets } from "../node/requests/proxied-targets.ts";
import { RefusedRequests } from "../node/requests/refused-requests.ts";
import { portFailed, readListenPlace } from "../node/serve/listen.ts";
import { serveEnvironment } from "../node/serve/serve-environment.ts";
import { type Application, createApplication } from "../server/application.ts";
import { serverFailed } from "../server/routes/http-answer.ts";
import type { RoutesOption } from "../server/routes/routes.ts";
import type {
  BunHttpServer,
  BunRuntime,
  BunRuntimeOptions,
  BunWebSocketOptions,
} from "./bun-api.ts";
import { type BunServer, NativeServer } from "./bun-server.ts";
import { FetchListener } from "./fetch-listener.ts";
import {
  type AnyRoutes,
  type BunServeOptions,
  checkBunOptions,
  largestMessageBytes,
} from "./options.ts";
import { UpgradeListener } from "./upgrade-listener.ts";
import { withoutUndefined } from "../errors/record.ts";

/**
 * Bun runs promise jobs and ticks after each message, even if it has read several messages at once. Immediates run
 * after all messages that it has read, so that many answers need one write.
 */
const flushQueue = new FlushQueue(inNextTurn);
flushOnExit(flushQueue);

/**
 * Starts a server for WebSockets and HTTP requests with `Bun.serve`. Resolves once the server listens.
 *
 * The routes, limits, refusals and errors are the same as with `serve` of `tideway/server`. docs/guides/bun.md
 * lists the differences. The most important one: Bun cannot stop reading. If a handler reads its messages
 * slowly, up to 16 times `maxQueuedBytes` of messages wait for it. Then the server closes the connection with
 * 1013.
 *
 * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`; `UNSUPPORTED` for an
 *   option that `Bun.serve` does not offer, and in another runtime
 * @throws TransportError `LISTEN_FAILED` if it cannot listen, for example because the port is in use
 */
export async function serve<
  const Key extends string,
  const Protocols extends Record<string, unknown>,
  States extends Record<string, unknown>,
  Schemas extends Record<string, unknown>,
>(options: BunServeOptions & RoutesOption<Key, Protocols, States, Schemas>): Promise<BunServer> {
  const runtime = (globalThis as { readonly Bun?: BunRuntime }).Bun;
  if (runtime === undefined) {
    throw new UsageError(
      "UNSUPPORTED",
      'serve of "tideway/bun" needs Bun; import serve from "tideway/server"',
    );
  }
  checkBunOptions(options);
  return start(runtime, withoutUndefined(options) as typeof options & { routes: AnyRoutes });
}

function start(
  runtime: BunRuntime,
  options: BunServeOptions & { readonly routes: AnyRoutes },
): BunServer {
  const { routes, port, host, reusePort, tls, ...rest } = options;
  const place = readListenPlace(port, host, undefined, reusePort, undefined);
  const { server: environment, connections } = serveEnvironment(true);
  const application = createApplication(routes, rest, "serve", environment);
  const targets = new ProxiedTargets(application.readProxies, { address: () => null });
  const refused = new RefusedRequests(application.refusals, targets);
  const upgrades = new UpgradeListener(application, { ...connections, flushQueue }, refused);
  const isSecure = tls !== undefined;
  const idleTimeout = idleSeconds(application);
  const listener = new FetchListener(
    application,
    targets,
    refused,
    upgrades,
    isSecure,
    idleTimeout,
  );
  const server = listen(runtime, {
    port: "port" in place ? place.port : 0,
    ...(host !== undefined && { hostname: host }),
    reusePort: reusePort ?? false,
    ...(isSecure && { tls }),
    idleTimeout,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, bun) => listener.handle(request, bun),
    error(error) {
      application.report(error, {});
      return serverFailed();
    },
    websocket: webSocketOptions(largestMessageBytes(rest, routes)),
  });
  return new NativeServer(server, application, listener, place, isSecure);
}

function listen(runtime: BunRuntime, options: BunRuntimeOptions): BunHttpServer {
  try {
    return runtime.serve(options);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (options.tls === undefined || error.syscall === "listen") {
      throw portFailed(options.hostname, options.port, error);
    }
    const message = `serve: the option tls is invalid: ${error.message}`;
    throw new UsageError("INVALID_OPTION", message, { cause });
  }
}

/** Bun limits how long a connection may be idle, in seconds from 1 to 255. */
function idleSeconds({ handshakeTimeoutMs }: Application): number {
  return Math.min(255, Math.max(1, Math.ceil(handshakeTimeoutMs / 1000)));
}

function webSocketOptions(maxMessageBytes: number): BunWebSocketOptions {
  return {
    perMessageDeflate: false,
    maxPayloadLength: maxMessageBytes,
    // The heartbeat of this package drops silent peers.
    idleTimeout: 0,
    sendPings: false,
    // `maxBufferedBytes` limits the output of a slow peer. This is the largest number that Bun accepts.
    backpressureLimit: 0xffff_ffff,
    closeOnBackpressureLimit: true,
    open: (socket) => socket.data.onOpen(socket),
    message: (socket, message) => socket.data.onMessage(message),
    drain: (socket) => socket.data.onDrain(),
    close: (socket, code, reason) => socket.data.onClose(code, reason),
    ping: (socket, payload) => socket.data.onPing(payload),
    pong: (socket, payload) => socket.data.onPong(payload),
  };
}
