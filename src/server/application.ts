import type { TimerWheel } from "../connection/timer-wheel.ts";
import { checkLimits, checkPositive } from "./options.ts";
import { type ErrorListener, safeListener } from "./report.ts";
import { type RouteDefaults, RouteTable } from "./route-table.ts";
import type { Route } from "./route-types.ts";
import { SocketGroup } from "./socket-group.ts";
import { UpgradeGate } from "./upgrade.ts";

/** Options of a server that have nothing to do with where it listens. */
export interface ApplicationOptions extends RouteDefaults {
  /**
   * Is told what handlers throw, and every other error that nobody else hears of. Default: writes
   * them to the console.
   */
  readonly onError?: ErrorListener;
  /**
   * How long a client may take to send the head of its request, and `authorize` to decide. Default
   * 10,000.
   */
  readonly handshakeTimeoutMs?: number;
}

/** What a server needs of the runtime it runs in. */
export interface ServerRuntime {
  readonly wheel: TimerWheel;
  /** Calls back once the running turn has ended, and what was sent in it has been written. */
  readonly defer: (callback: () => void) => void;
}

/** The parts of a server that are the same in every runtime. */
export interface Application {
  readonly routes: RouteTable;
  readonly gate: UpgradeGate;
  readonly sockets: SocketGroup;
  readonly report: ErrorListener;
  readonly handshakeTimeoutMs: number;
}

/** @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN` */
export function createApplication(
  routes: Readonly<Record<string, Route>>,
  options: ApplicationOptions,
  { wheel, defer }: ServerRuntime,
): Application {
  const { onError, handshakeTimeoutMs = 10_000, ...defaults } = options;
  checkPositive("serve", "handshakeTimeoutMs", handshakeTimeoutMs);
  checkLimits(defaults, "serve");
  const table = new RouteTable(routes, defaults);
  const sockets = new SocketGroup();
  const report = safeListener(onError);
  const gate = new UpgradeGate(table, {
    wheel,
    defer,
    report,
    handshakeTimeoutMs,
    onOpen: (socket) => sockets.add(socket),
    onClosed: (socket) => sockets.delete(socket),
  });
  return { routes: table, gate, sockets, report, handshakeTimeoutMs };
}
