import { serve } from "tideway/server";
import { describe, expect, it } from "vitest";
import { TimerWheel } from "../../../src/connection/timer-wheel.ts";
import { nodeEnvironment } from "../../../src/node/environment/connection-environment.ts";
import { createApplication } from "../../../src/server/application.ts";
import type { UpgradeAttempt } from "../../../src/server/requests/upgrade-attempt.ts";
import { ManualClock } from "../../connection/support.ts";
import { closeOf, openClient } from "../../support/clients.ts";
import { FakeConnection } from "../fake-connection.ts";

const HOUR_MS = 3_600_000;

/** A server without a network, on a manual clock. */
function open(
  random: number,
  maxLifetimeMs: number | undefined,
): { clock: ManualClock; connection: FakeConnection } {
  const clock = new ManualClock();
  const { gate } = createApplication(
    { "ws:/": { handle: () => {}, ...(maxLifetimeMs !== undefined && { maxLifetimeMs }) } },
    {},
    "serve",
    {
      ...nodeEnvironment,
      wheel: new TimerWheel(clock),
      inNextTurn: setImmediate,
      random: () => random,
      isProduction: () => false,
      captureAsyncContext: () => (callback) => callback(),
    },
  );
  const request = new Request("http://localhost/");
  const attempt: UpgradeAttempt = {
    origins: [],
    pathname: "/",
    host: "localhost",
    isSecure: false,
    request,
    url: new URL(request.url),
    remoteAddress: "",
    peer: {},
    isAborted: false,
    onAborted: undefined,
    connection: {},
    readOffer: () => ({ kind: "upgrade", protocols: [], extensions: [] }) as never,
  };
  const connection = new FakeConnection();
  const decision = gate.decide(attempt);
  if (decision instanceof Promise || decision.kind !== "accept") throw new Error("not accepted");
  decision.open(connection);
  return { clock, connection };
}

describe("maxLifetimeMs", () => {
  it.each([
    [0, HOUR_MS],
    [0.5, 0.9 * HOUR_MS],
    [1, 0.8 * HOUR_MS],
  ])(
    "closes a connection with 1001 in the last fifth of its lifetime: with random %d after %d ms",
    (random, ms) => {
      const { clock, connection } = open(random, HOUR_MS);
      clock.advance(ms - 1000);
      expect(connection.calls).toEqual([]);
      clock.advance(2000);
      expect(connection.calls).toEqual([["close", 1001, "maximum lifetime reached"]]);
    },
  );

  it("clears its timer when the connection ends earlier", async () => {
    const { clock, connection } = open(0, HOUR_MS);
    connection.end();
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(1000);
    expect(clock.pendingCount).toBe(0);
  });

  it.each([undefined, Infinity])("of %o sets no limit and no timer", (maxLifetimeMs) => {
    expect(open(0, maxLifetimeMs).clock.pendingCount).toBe(0);
  });

  it("of the server applies to routes without their own, and ends the loop of the handler without an error", async () => {
    const ends: string[] = [];
    await using server = await serve({
      port: 0,
      maxLifetimeMs: 1,
      routes: {
        "ws:/short": async (socket) => {
          for await (const message of socket) ends.push(String(message));
          ends.push("short");
        },
        "ws:/long": { maxLifetimeMs: HOUR_MS, handle: () => {} },
      },
    });
    const long = await openClient(server.url, "/long");
    const short = await openClient(server.url, "/short");
    expect((await closeOf(short)).code).toBe(1001);
    await expect.poll(() => ends, { timeout: 10_000 }).toEqual(["short"]);
    expect(long.readyState).toBe(long.OPEN);
  });
});
