import { expect, it, vi } from "vitest";
import { NO_DEBUG_LOG } from "../../src/errors/debug-log.ts";
import { TimerWheel } from "../../src/connection/timer-wheel.ts";
import { nodeEnvironment } from "../../src/node/environment/connection-environment.ts";
import { createApplication } from "../../src/server/application.ts";
import { ManualClock } from "../connection/support.ts";
import { FakeAttempt } from "./fake-upgrade.ts";

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
    {
      wheel: new TimerWheel(clock),
      deflateCodec: nodeEnvironment.deflateCodec,
      log: NO_DEBUG_LOG,
      inNextTurn: setImmediate,
      random: () => 0,
      isProduction: () => false,
      captureAsyncContext: () => (callback) => callback(),
    },
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
