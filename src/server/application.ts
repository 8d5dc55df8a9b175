import type { TimerWheel } from "../connection/timer-wheel.ts";
import { checkLimits, invalidOption } from "./options.ts";
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
  /** Calls back in a turn of its own, after what is sent in this one has been written. */
  readonly inNextTurn: (callback: () => void) => void;
}

/** The parts of a server that are the same in every runtime. */
export interface Application {
  readonly routes: RouteTable;
  readonly gate: UpgradeGate;
  readonly sockets: SocketGroup;
  readonly report: ErrorListener;
  readonly handshakeTimeoutMs: number;
}

/** Five minutes: whoever needs longer to send a head is up to something. */
const MAX_HANDSHAKE_TIMEOUT_MS = 300_000;

/** @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN` */
export function createApplication(
  routes: Readonly<Record<string, Route>>,
  options: ApplicationOptions,
  { wheel, inNextTurn }: ServerRuntime,
): Application {
  const { onError, handshakeTimeoutMs = 10_000, origins, ...limits } = options;
  if (
    !Number.isInteger(handshakeTimeoutMs) ||
    !(handshakeTimeoutMs > 0 && handshakeTimeoutMs <= MAX_HANDSHAKE_TIMEOUT_MS)
  ) {
    throw invalidOption(
      "serve",
      "handshakeTimeoutMs",
      handshakeTimeoutMs,
      `an integer from 1 to ${MAX_HANDSHAKE_TIMEOUT_MS}`,
    );
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw invalidOption("serve", "onError", onError, "a function");
  }
  if (typeof routes !== "object" || routes === null) {
    throw invalidOption("serve", "routes", routes, "a record of routes");
  }
  checkLimits(limits, "serve");
  const table = new RouteTable(routes, { ...limits, ...(origins !== undefined && { origins }) });
  const sockets = new SocketGroup();
  const report = safeListener(onError);
  const gate = new UpgradeGate(table, {
    wheel,
    inNextTurn,
    report,
    handshakeTimeoutMs,
    onOpen: (socket) => sockets.add(socket),
    onClosed: (socket) => sockets.delete(socket),
  });
  return { routes: table, gate, sockets, report, handshakeTimeoutMs };
}
