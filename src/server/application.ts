import type { TimerWheel } from "../connection/timer-wheel.ts";
import { type DeflateCodec, resolveCompression } from "../protocol/deflate/index.ts";
import { isRecord } from "../protocol/record.ts";
import { ByteBudget } from "../protocol/index.ts";
import { compileHostPolicy, type HostCheck } from "./host-policy.ts";
import { checkCount, checkLimits, invalidOption } from "./options.ts";
import { compileOriginPolicy } from "./origin.ts";
import { PendingRequests } from "./pending-requests.ts";
import { type RefusalListener, RefusalReporter } from "./refusals.ts";
import { type ErrorListener, safeListener } from "./report.ts";
import { type RouteDefaults, RouteTable } from "./route-table.ts";
import type { Route } from "./route-types.ts";
import { SocketDrain } from "./socket-drain.ts";
import { SocketGroup } from "./socket-group.ts";
import { compileTrustProxy, type ProxyOptions, type ProxyReader } from "./trust-proxy.ts";
import { type RunInAsyncContext, UpgradeGate } from "./upgrade-gate.ts";

/** Options of a server that have nothing to do with where it listens. */
export interface ApplicationOptions extends RouteDefaults, ProxyOptions {
  /**
   * Is told what handlers throw, and every other error that nobody else hears of. Default: writes
   * them to the console.
   */
  readonly onError?: ErrorListener;
  /**
   * Gets a report of each refusal: every handshake that does not open a WebSocket, every other request
   * that the server itself refuses, and every close that the server decides on (1002, 1003, 1007, 1008,
   * 1009, 1013). Requests that match no route are not reported. Clients can cause any number of
   * reports.
   *
   * Default: prints one line per kind and minute to the console, unless `NODE_ENV` is `"production"`.
   */
  readonly onRefused?: RefusalListener;
  /**
   * How long a client may take to send the head of its request, and `authorize` to decide. Default
   * 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * How many WebSockets may be open, including clients that wait for `authorize`. A request
   * for one more is answered with 503 and `Retry-After`; existing sockets are unaffected. `serve` also
   * accepts as many other connections (HTTP, or before the handshake), and at least 1,024. It drops
   * further connections without a response.
   *
   * Default 65,536, so that a flood of handshakes ends in refusals. It is a last line of defence:
   * choose it by your machine, as each connection may hold what the other limits allow it, and the
   * process may be allowed fewer open files. `Infinity` is no limit.
   */
  readonly maxConnections?: number;
  /**
   * How many calls of `authorize` may be pending, and 16 at most for one HTTP/2 connection. A request
   * for one more is answered with 503 and `Retry-After`; existing sockets are unaffected. Default 1,024.
   *
   * A call counts until it settles, for `handshakeTimeoutMs` at most. It also counts after its client
   * has left, so that clients cannot start any number of calls. A client that leaves frees its place in
   * `maxConnections` at once.
   *
   * After the timeout the call no longer counts, and the `signal` of its request aborts. Pass that
   * signal on, so that the work stops.
   */
  readonly maxPendingAuthorize?: number;
  /**
   * How many HTTP requests may be in progress, over HTTP/1.1 and HTTP/2 together. A request for one more
   * is answered with 503 and `Retry-After`, and its connection (over HTTP/2 its stream) is closed.
   * Default 4,096. So many requests use about 100 MB, and 64 KiB more for each unread body. Raise the
   * limit for a server with more streaming responses or long polls.
   *
   * A request counts until its response has been sent and its handler has returned. If its client has
   * left, it counts for at most `handshakeTimeoutMs` longer. WebSockets do not count.
   */
  readonly maxPendingRequests?: number;
  /**
   * How much memory the unfinished messages of all connections may use together, with the bytes that
   * clients send before `authorize` has decided. When the limit is reached, the server closes the
   * connection of an unfinished message with 1013, and answers a handshake with 503. Messages that
   * arrive in one piece do not count. Default 268,435,456 (256 MiB).
   */
  readonly maxUnfinishedBytes?: number;
  /**
   * The names that this server answers to: hosts, such as `"example.com"`, which hold for every port,
   * or hosts with a port, such as `"localhost:8080"` or `"[::1]:8080"`. A request, for a page as for a
   * WebSocket, whose `Host` is none of them is answered with 421.
   *
   * Default: any name, as a server behind a proxy cannot know its own. A server without this list
   * is open to DNS rebinding: a page whose name is made to lead to this server's address is of the
   * same origin as its `Host`, so that the default of `origins` lets it in. Set it wherever being
   * reachable, from a private network or from the same machine, is all that a client has to prove.
   */
  readonly hosts?: readonly string[];
}

/** What a server needs of the runtime it runs in. */
export interface ServerEnvironment {
  readonly wheel: TimerWheel;
  readonly deflateCodec: DeflateCodec;
  /** Calls back in a turn of its own, after what is sent in this one has been written. */
  readonly inNextTurn: (callback: () => void) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Whether to hide details for developers from the console and from peers. */
  readonly isProduction: () => boolean;
  /** Captures the asynchronous context of this call. The result runs a function in it. */
  readonly captureAsyncContext: () => RunInAsyncContext;
}

/** The parts of a server that are the same in every runtime. */
export interface Application {
  readonly routes: RouteTable;
  readonly gate: UpgradeGate;
  readonly sockets: SocketGroup;
  /** Closes the sockets when the server stops. */
  readonly drain: SocketDrain;
  readonly report: ErrorListener;
  /**
   * Reports to `onRefused`. Code that refuses a request without asking the `gate` MUST report it here,
   * once.
   */
  readonly refusals: RefusalReporter;
  /** Bounds the bytes of unfinished messages and of clients that wait for `authorize`. */
  readonly unfinishedBudget: ByteBudget;
  /** Whether requests may call this server by a name. */
  readonly isHostAllowed: HostCheck;
  /** Undefined if no proxy is trusted. */
  readonly readProxies: ProxyReader | undefined;
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  readonly pendingRequests: PendingRequests;
}

/** Five minutes: whoever needs longer to send a head is up to something. */
const MAX_HANDSHAKE_TIMEOUT_MS = 300_000;

/**
 * @param where for messages: what was called with the options
 * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`
 */
export function createApplication(
  routes: Readonly<Record<string, Route>>,
  options: ApplicationOptions,
  where: "serve" | "attach",
  { wheel, deflateCodec, inNextTurn, random, isProduction, captureAsyncContext }: ServerEnvironment,
): Application {
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
      'a record of routes, such as { "ws:/chat": (socket) => {} }',
    );
  }
  checkCount(where, "maxConnections", maxConnections);
  checkCount(where, "maxPendingAuthorize", maxPendingAuthorize);
  checkCount(where, "maxPendingRequests", maxPendingRequests);
  checkCount(where, "maxUnfinishedBytes", maxUnfinishedBytes);
  checkLimits(limits, where);
  resolveCompression(compression, "shared", where);
  // Without a route that could look at it, nobody would.
  if (origins !== undefined) compileOriginPolicy(origins);
  const isHostAllowed = compileHostPolicy(hosts);
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
  const report = safeListener(onError);
  for (const { key, error } of table.shadowed) report(error, { route: key });
  const unfinishedBudget = new ByteBudget(maxUnfinishedBytes);
  const runInAsyncContext = captureAsyncContext();
  const refusals = new RefusalReporter(onRefused, { isProduction, nowMs: () => wheel.nowMs });
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
    drain: new SocketDrain(sockets, wheel),
    report,
    refusals,
    unfinishedBudget,
    isHostAllowed,
    readProxies,
    handshakeTimeoutMs,
    maxConnections,
    pendingRequests: new PendingRequests(maxPendingRequests),
  };
}
