import type { TimerWheel } from "../connection/timer-wheel.ts";
import { checkCount, invalidOption } from "../errors/check-options.ts";
import { type DebugLog, describeError } from "../errors/debug-log.ts";
import { isRecord } from "../errors/record.ts";
import { printError, safeListener } from "../errors/safe-listener.ts";
import { ByteBudget } from "../protocol/byte-budget.ts";
import { type DeflateCodec, resolveCompression } from "../protocol/deflate/index.ts";
import type { ApplicationOptions } from "./options/application-options.ts";
import { checkLimits } from "./options/check-options.ts";
import { RefusalReporter } from "./reports/refusal-reporter.ts";
import { compileHostPolicy, type HostCheck } from "./requests/host-policy.ts";
import { compileOriginPolicy } from "./requests/origin-policy.ts";
import { PendingRequests } from "./requests/pending-requests.ts";
import { compileTrustProxy, type ProxyReader } from "./requests/trust-proxy.ts";
import { RouteTable } from "./routes/route-table.ts";
import type { Route } from "./routes/routes.ts";
import type { ErrorListener } from "./socket/error-context.ts";
import { SocketShutdown } from "./socket/shutdown.ts";
import { SocketGroup } from "./socket/socket-group.ts";
import type { RunInAsyncContext } from "./upgrade/route-connections.ts";
import { UpgradeGate } from "./upgrade/upgrade-gate.ts";

/** The functions of a runtime that a server uses. */
export interface ServerEnvironment {
  readonly wheel: TimerWheel;
  readonly deflateCodec: DeflateCodec;
  readonly log: DebugLog;
  /** Calls back in a later turn of the event loop, after the data sent in this turn has been written. */
  readonly inNextTurn: (callback: () => void) => void;
  /** Returns a random number from 0 to 1. */
  readonly random: () => number;
  /** Whether to omit details for developers from the console and from responses. */
  readonly isProduction: () => boolean;
  /**
   * Captures the asynchronous context of this call. Returns a function that runs a callback in that context.
   */
  readonly captureAsyncContext: () => RunInAsyncContext;
}

/** The parts of a server that are the same in every runtime. */
export interface Application {
  readonly routes: RouteTable;
  readonly gate: UpgradeGate;
  readonly sockets: SocketGroup;
  /** Closes the sockets when the server stops. */
  readonly shutdown: SocketShutdown;
  readonly report: ErrorListener;
  /**
   * Reports refusals to `onRefused`. Code that refuses a request before it reaches `gate` MUST report the
   * refusal here, once.
   */
  readonly refusals: RefusalReporter;
  /**
   * Limits the bytes of unfinished messages, and the bytes that clients send while `authorize` is pending.
   */
  readonly unfinishedBudget: ByteBudget;
  /** Whether the option `hosts` allows a value of `Host`. */
  readonly isHostAllowed: HostCheck;
  /** Undefined if no proxy is trusted. */
  readonly readProxies: ProxyReader | undefined;
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  readonly pendingRequests: PendingRequests;
}

/** Five minutes. No legitimate client needs longer to send its headers. */
const MAX_HANDSHAKE_TIMEOUT_MS = 300_000;

/**
 * Creates the parts of a server, and checks its options.
 *
 * @param where the function that the application called, for error messages
 * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`
 */
export function createApplication(
  routes: Readonly<Record<string, Route>>,
  options: ApplicationOptions,
  where: "serve" | "attach",
  environment: ServerEnvironment,
): Application {
  const { wheel, deflateCodec, log, inNextTurn, random, isProduction, captureAsyncContext } =
    environment;
  const {
    onError,
    onRefused,
    handshakeTimeoutMs = 10_000,
    maxConnections = 65_536,
    maxPendingAuthorize = 1024,
    maxPendingRequests = 4096,
    maxUnfinishedBytes = 268_435_456,
    hosts,
    trustProxy,
    proxyHeaders,
    origins,
    compression = false,
    ...limits
  } = options;
  if (
    !Number.isInteger(handshakeTimeoutMs) ||
    !(handshakeTimeoutMs > 0 && handshakeTimeoutMs <= MAX_HANDSHAKE_TIMEOUT_MS)
  ) {
    throw invalidOption(
      where,
      "handshakeTimeoutMs",
      handshakeTimeoutMs,
      `an integer from 1 to ${MAX_HANDSHAKE_TIMEOUT_MS}`,
    );
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw invalidOption(where, "onError", onError, "a function");
  }
  if (onRefused !== undefined && typeof onRefused !== "function") {
    throw invalidOption(where, "onRefused", onRefused, "a function");
  }
  if (!isRecord(routes)) {
    throw invalidOption(
      where,
      "routes",
      routes,
      'an object of routes, such as { "ws:/chat": (socket) => {} }',
    );
  }
  checkCount(where, "maxConnections", maxConnections);
  checkCount(where, "maxPendingAuthorize", maxPendingAuthorize);
  checkCount(where, "maxPendingRequests", maxPendingRequests);
  checkCount(where, "maxUnfinishedBytes", maxUnfinishedBytes);
  checkLimits(limits, where);
  resolveCompression(compression, "shared", where);
  // Each `ws:` route also checks `origins`, but a server may have only HTTP routes.
  if (origins !== undefined) compileOriginPolicy(origins);
  const isHostAllowed = compileHostPolicy(hosts, where);
  const readProxies = compileTrustProxy(
    {
      ...(trustProxy !== undefined && { trustProxy }),
      ...(proxyHeaders !== undefined && { proxyHeaders }),
    },
    where,
  );
  const table = new RouteTable(routes, {
    ...limits,
    compression,
    ...(origins !== undefined && { origins }),
  });
  const sockets = new SocketGroup();
  const report = withDebugLog(safeListener(onError ?? printError), log);
  for (const { key, error } of table.shadowed) report(error, { route: key });
  const unfinishedBudget = new ByteBudget(maxUnfinishedBytes);
  const runInAsyncContext = captureAsyncContext();
  const refusals = new RefusalReporter(onRefused, { isProduction, nowMs: () => wheel.nowMs, log });
  const gate = new UpgradeGate(table, {
    wheel,
    deflateCodec,
    unfinishedBudget,
    runInAsyncContext,
    inNextTurn,
    random,
    report,
    refusals,
    handshakeTimeoutMs,
    maxConnections,
    maxPendingAuthorize,
    isHostAllowed,
    sockets,
  });
  return {
    routes: table,
    gate,
    sockets,
    shutdown: new SocketShutdown(sockets, wheel, log),
    report,
    refusals,
    unfinishedBudget,
    isHostAllowed,
    readProxies,
    handshakeTimeoutMs,
    maxConnections,
    pendingRequests: new PendingRequests(maxPendingRequests, wheel, handshakeTimeoutMs),
  };
}

/** Also writes each error to the debug log, without its message. */
function withDebugLog(report: ErrorListener, log: DebugLog): ErrorListener {
  if (!log.isEnabled) return report;
  return (error, context) => {
    log.write(() => {
      const where = context.route === undefined ? "" : ` of route ${JSON.stringify(context.route)}`;
      return `error${where} goes to onError: ${describeError(error)}`;
    });
    report(error, context);
  };
}
