import type { HeartbeatOptions } from "../../connection/heartbeat.ts";
import { UsageError } from "../../errors/index.ts";
import { isRecord } from "../../protocol/record.ts";
import type { ConnectionLimits } from "./connection-limits.ts";

const SLOW_CONSUMER_POLICIES: readonly unknown[] = ["close", "drop", "wait"];

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
  checkNames(where, limits, LIMITS);
  for (const name of POSITIVE_LIMITS) checkPositive(where, name, limits[name]);
  checkCount(where, "maxMessagesPerSecond", limits.maxMessagesPerSecond);
  checkHeartbeat(limits.heartbeat, where);
  const { slowConsumer = "close" } = limits;
  if (!SLOW_CONSUMER_POLICIES.includes(slowConsumer)) {
    throw invalidOption(where, "slowConsumer", slowConsumer, '"close", "drop" or "wait"');
  }
}

function checkHeartbeat(heartbeat: ConnectionLimits["heartbeat"], where: string): void {
  if (heartbeat === undefined || heartbeat === false) return;
  if (!isRecord<HeartbeatOptions>(heartbeat)) {
    throw invalidOption(
      where,
      "heartbeat",
      heartbeat,
      "false, or an object such as { idleMs, timeoutMs }",
    );
  }
  checkNames(`${where}: heartbeat`, heartbeat, ["idleMs", "timeoutMs"]);
  checkPositive(where, "heartbeat.idleMs", heartbeat.idleMs);
  checkPositive(where, "heartbeat.timeoutMs", heartbeat.timeoutMs);
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or a number above 0 */
function checkPositive(where: string, name: string, value: number | undefined): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw invalidOption(where, name, value, "a number above 0");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent, an integer above 0, or Infinity */
export function checkCount(where: string, name: string, value: number | undefined): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && value > 0)) return;
  throw invalidOption(where, name, value, "an integer above 0, or Infinity");
}

/** @throws UsageError `INVALID_OPTION` unless `options` is a record */
export function checkOptions(where: string, options: unknown): void {
  if (isRecord(options)) return;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: the options are ${shown(options)}; pass an object such as { routes: { "ws:/chat": (socket) => {} } }`,
  );
}

/** The longest delay of a Node.js timer. A timer with a longer delay fires at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or a valid delay of a timer */
export function checkDelay(where: string, name: string, value: number | undefined): void {
  if (value === undefined) return;
  if (typeof value === "number" && value > 0 && value <= MAX_DELAY_MS) return;
  throw invalidOption(where, name, value, `a number above 0 and at most ${MAX_DELAY_MS}`);
}

/** @throws UsageError `INVALID_OPTION` if `options` has a name that is not in `names` */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const advice = Object.hasOwn(ADVICE, unknown) ? `; ${ADVICE[unknown]}` : "";
  throw new UsageError("INVALID_OPTION", `${where}: there is no option ${unknown}${advice}`);
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

export function invalidOption(
  where: string,
  name: string,
  value: unknown,
  expected: string,
): UsageError {
  return new UsageError(
    "INVALID_OPTION",
    `${where}: ${name} is ${shown(value)}; it must be ${expected}`,
  );
}

/** Describes a value in an error message: as JSON, or by its type. */
export function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
