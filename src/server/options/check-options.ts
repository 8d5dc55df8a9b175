import { checkHeartbeat } from "../../connection/heartbeat.ts";
import {
  checkCount,
  checkNames,
  checkOneOf,
  checkPositive,
  checkRecord,
} from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import type { ConnectionLimits } from "./connection-limits.ts";

const POSITIVE_LIMITS = [
  "maxMessageBytes",
  "closeTimeoutMs",
  "maxLifetimeMs",
  "highWaterMarkBytes",
  "maxBufferedBytes",
  "maxQueuedBytes",
  "maxQueuedMessages",
] as const satisfies ReadonlyArray<keyof ConnectionLimits>;

const LIMITS: readonly string[] = [
  ...POSITIVE_LIMITS,
  "maxMessagesPerSecond",
  "heartbeat",
  "slowConsumer",
];

/**
 * Checks the limits of a connection. Unknown names are errors, because a misspelt limit would have no effect.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function checkLimits(limits: ConnectionLimits, where: string): void {
  checkNames(where, limits, LIMITS, { advice: ADVICE, others: [...OTHERS, ...SERVER_OPTIONS] });
  for (const name of POSITIVE_LIMITS) checkPositive(where, name, limits[name]);
  checkCount(where, "maxMessagesPerSecond", limits.maxMessagesPerSecond);
  checkHeartbeat(where, limits.heartbeat);
  checkOneOf(where, "slowConsumer", limits.slowConsumer, ["close", "drop", "wait"]);
}

/** @throws UsageError `INVALID_OPTION` unless `options` is an object that can hold options */
export function checkOptions(where: string, options: unknown): void {
  checkRecord(where, options, 'an object such as { routes: { "ws:/chat": (socket) => {} } }');
}

const LISTEN = "pass it to serve, or to the HTTP server that you pass to attach";
const OF_ROUTE = "set it on a route, next to handle";

/** Advice for options of other libraries, and for options in the wrong place. */
const ADVICE: Readonly<Record<string, string>> = {
  authorize: OF_ROUTE,
  backlog: LISTEN,
  cors: "pass origins instead",
  handleProtocols: "set protocols on a route instead",
  host: LISTEN,
  http2: LISTEN,
  maxHttpBufferSize: "pass maxMessageBytes instead",
  maxPayload: "pass maxMessageBytes instead",
  noServer: "call attach(httpServer, { routes }) instead",
  origin: "pass origins instead",
  path: LISTEN,
  perMessageDeflate: "pass compression instead",
  pingInterval: "pass heartbeat: { idleMs } instead",
  pingTimeout: "pass heartbeat: { timeoutMs } instead",
  port: LISTEN,
  protocols: OF_ROUTE,
  schema: OF_ROUTE,
  server: "call attach(httpServer, { routes }) instead",
  tls: LISTEN,
  verifyClient:
    "set authorize on a route instead; return an object to accept the client, or a Response to refuse it",
};

/** Options that other code has read, and takes out before the check of the limits. */
const OTHERS: readonly string[] = [
  "authorize",
  "backlog",
  "compression",
  "handle",
  "host",
  "origins",
  "path",
  "port",
  "protocols",
  "reusePort",
  "routes",
  "schema",
];

/** Options of a server that its routes cannot override. */
const SERVER_OPTIONS: readonly string[] = [
  "fastPaths",
  "handshakeTimeoutMs",
  "hosts",
  "http2",
  "maxConnections",
  "maxPendingAuthorize",
  "maxPendingRequests",
  "maxUnfinishedBytes",
  "onError",
  "onRefused",
  "proxyHeaders",
  "trustProxy",
];

/** @throws UsageError `INVALID_OPTION` if a route has an option of the server that it cannot override */
export function checkNotServers(options: object, where: string): void {
  const name = Object.keys(options).find((option) => SERVER_OPTIONS.includes(option));
  if (name === undefined) return;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: ${name} is an option of the server, not of a route; set it next to routes`,
  );
}
