import { NO_DEBUG_LOG } from "../../src/errors/debug-log.ts";
import { TimerWheel } from "../../src/connection/timer-wheel.ts";
import { nodeEnvironment } from "../../src/node/environment/connection-environment.ts";
import { ByteBudget } from "../../src/protocol/byte-budget.ts";
import type { HttpRefusal, WebSocketOffer } from "../../src/protocol/handshake/index.ts";
import {
  type RefusalListener,
  RefusalReporter,
  type RefusalReport,
} from "../../src/server/reports/refusal-reporter.ts";
import type { ErrorContext } from "../../src/server/socket/error-context.ts";
import { RouteTable } from "../../src/server/routes/route-table.ts";
import type { Route } from "../../src/server/routes/routes.ts";
import { SocketGroup } from "../../src/server/socket/socket-group.ts";
import type { UpgradeAttempt, UpgradeDecision } from "../../src/server/requests/upgrade-attempt.ts";
import { type UpgradeEnvironment, UpgradeGate } from "../../src/server/upgrade/upgrade-gate.ts";
import { ManualClock } from "../connection/support.ts";

/** A request for a WebSocket without a network. By default it is valid and has no Origin. */
export class FakeAttempt implements UpgradeAttempt {
  origins: readonly string[] = [];
  pathname = "/";
  host = "localhost";
  isSecure = false;
  remoteAddress = "192.0.2.1";
  peer: UpgradeAttempt["peer"] = { remoteAddress: "192.0.2.1" };
  connection: object = {};
  onAborted: (() => void) | undefined;
  offer: WebSocketOffer | HttpRefusal = offering();
  readonly #abort = new AbortController();
  #request: Request | undefined;

  constructor(values: Partial<FakeAttempt> = {}) {
    Object.assign(this, values);
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  get url(): URL {
    return new URL(this.pathname, `http://${this.host}`);
  }

  get request(): Request {
    this.#request ??= new Request(this.url, { signal: this.#abort.signal });
    return this.#request;
  }

  readOffer(): WebSocketOffer | HttpRefusal {
    return this.offer;
  }

  /** The client disconnects. */
  abort(): void {
    this.#abort.abort();
    this.onAborted?.();
  }
}

/** A handshake that offers these subprotocols. */
export function offering(...protocols: string[]): WebSocketOffer {
  return { kind: "upgrade", protocols, extensions: [] };
}

/** An environment that records every report. Only the test advances its clock. */
export class FakeServerEnvironment implements UpgradeEnvironment {
  readonly clock = new ManualClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly deflateCodec = nodeEnvironment.deflateCodec;
  readonly sockets = new SocketGroup();
  readonly unfinishedBudget = new ByteBudget(1_000_000);
  readonly reported: Array<{ error: unknown; context: ErrorContext }> = [];
  readonly refused: RefusalReport[] = [];
  handshakeTimeoutMs = 10_000;
  maxConnections = 10;
  maxPendingAuthorize = 10;
  isProduction = false;
  readonly random = (): number => 0;
  readonly inNextTurn = setImmediate;
  isHostAllowed: UpgradeEnvironment["isHostAllowed"] = () => true;
  runInAsyncContext: UpgradeEnvironment["runInAsyncContext"] = (callback) => callback();
  readonly refusals: RefusalReporter;

  constructor(values: Partial<FakeServerEnvironment> = {}) {
    Object.assign(this, values);
    const listener: RefusalListener = (report) => this.refused.push(report);
    this.refusals = new RefusalReporter(listener, {
      isProduction: () => this.isProduction,
      nowMs: () => this.wheel.nowMs,
      log: NO_DEBUG_LOG,
    });
  }

  readonly report = (error: unknown, context: ErrorContext): void => {
    this.reported.push({ error, context });
  };
}

/** A gate with one route, `ws:/`, and its environment. */
export function gateOf(
  route: Route,
  environment: Partial<FakeServerEnvironment> = {},
): { gate: UpgradeGate; environment: FakeServerEnvironment } {
  const fake = new FakeServerEnvironment(environment);
  return { gate: new UpgradeGate(new RouteTable({ "ws:/": route }), fake), environment: fake };
}

/** The decision on one attempt and the errors that it reported. */
export async function decide(
  route: Route,
  attempt: Partial<FakeAttempt> = {},
  values: Partial<FakeServerEnvironment> = {},
): Promise<{ decision: UpgradeDecision; environment: FakeServerEnvironment }> {
  const { gate, environment } = gateOf(route, values);
  return { decision: await gate.decide(new FakeAttempt(attempt)), environment };
}
