import { expect, it, vi } from "vitest";
import { createDebugLog, type DebugLog, NO_DEBUG_LOG } from "../../src/errors/debug-log.ts";
import { TimerWheel } from "../../src/connection/timer-wheel.ts";
import { nodeEnvironment } from "../../src/node/environment/connection-environment.ts";
import { createApplication, type ServerEnvironment } from "../../src/server/application.ts";
import { ManualClock } from "../connection/support.ts";
import { FakeAttempt } from "./fake-upgrade.ts";

function environmentWith(clock: ManualClock, log: DebugLog): ServerEnvironment {
  return {
    wheel: new TimerWheel(clock),
    deflateCodec: nodeEnvironment.deflateCodec,
    log,
    inNextTurn: setImmediate,
    random: () => 0,
    isProduction: () => false,
    captureAsyncContext: () => (callback) => callback(),
  };
}

it("handshakeTimeoutMs is 10 seconds by default", async () => {
  const clock = new ManualClock();
  const onError = vi.fn<(error: unknown) => void>();
  const routes = {
    "ws:/": { authorize: () => new Promise<object>(() => {}), handle: () => {} },
  };
  const { gate, handshakeTimeoutMs } = createApplication(
    routes,
    { onError, onRefused: () => {} },
    "serve",
    environmentWith(clock, NO_DEBUG_LOG),
  );
  expect(handshakeTimeoutMs).toBe(10_000);
  const decision = gate.decide(new FakeAttempt());
  clock.advance(9_000);
  expect(clock.pendingCount).toBe(1);
  clock.advance(2_000);
  expect(await decision).toMatchObject({ kind: "refuse", status: 503 });
  expect(onError.mock.calls[0][0]).toMatchObject({
    message:
      "authorize took longer than handshakeTimeoutMs 10000; make it faster, or raise the limit",
  });
});

it("an error that goes to onError is written to the debug log, with its route if it has one", () => {
  const lines: string[] = [];
  const reports: unknown[] = [];
  const { report } = createApplication(
    {},
    { onError: (...args) => reports.push(args), onRefused: () => {} },
    "serve",
    environmentWith(
      new ManualClock(),
      createDebugLog((line) => lines.push(line)),
    ),
  );
  const error = new TypeError("SECRET");
  report(error, {});
  report(error, { route: 'ws:/"a"' });
  expect(lines).toEqual([
    "error goes to onError: TypeError",
    'error of route "ws:/\\"a\\"" goes to onError: TypeError',
  ]);
  expect(reports).toEqual([
    [error, {}],
    [error, { route: 'ws:/"a"' }],
  ]);
});
