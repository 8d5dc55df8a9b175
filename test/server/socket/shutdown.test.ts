import { beforeEach, describe, expect, it } from "vitest";
import { NO_DEBUG_LOG } from "../../../src/errors/debug-log.ts";
import { ReadyState } from "../../../src/connection/connection.ts";
import { TimerWheel } from "../../../src/connection/timer-wheel.ts";
import { ServerSocket } from "../../../src/server/socket/server-socket.ts";
import { type ShutdownPlan, SocketShutdown } from "../../../src/server/socket/shutdown.ts";
import { ManualClock } from "../../connection/support.ts";
import { FakeConnection } from "../fake-connection.ts";

let clock: ManualClock;
let connections: FakeConnection[];
let shutdown: SocketShutdown;

const host = { onFailure() {}, onRefused() {}, onClosed() {}, inNextTurn: setImmediate };

beforeEach(() => {
  clock = new ManualClock();
});

function open(count: number): void {
  connections = Array.from({ length: count }, () => new FakeConnection());
  const sockets = connections.map((connection) => new ServerSocket(connection, host));
  shutdown = new SocketShutdown(sockets, new TimerWheel(clock), NO_DEBUG_LOG);
}

function start(plan: Partial<ShutdownPlan>): void {
  shutdown.start({ code: 1012, reason: "restart", timeoutMs: 10_000, ...plan });
}

function closedCount(): number {
  return connections.filter(({ readyState }) => readyState === ReadyState.Closing).length;
}

/** The number of sockets that are closing, now and after each further step. */
function closedCounts(steps: number, stepMs: number): number[] {
  const counts = [closedCount()];
  for (let step = 0; step < steps; step++) {
    clock.advance(stepMs);
    counts.push(closedCount());
  }
  return counts;
}

describe("a drain", () => {
  it("closes all sockets at once without a pace", () => {
    open(3);
    start({});
    for (const { calls } of connections) expect(calls).toEqual([["close", 1012, "restart"]]);
  });

  it("closes one batch at once, and one after each interval", () => {
    open(10);
    start({ pace: { batch: 3, intervalMs: 1000 } });
    expect(closedCounts(4, 1000)).toEqual([3, 6, 9, 10, 10]);
  });

  it("keeps its pace when the interval is shorter than a tick of its timer", () => {
    open(100);
    start({ pace: { batch: 1, intervalMs: 10 } });
    expect(closedCounts(10, 100)).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]);
  });

  it("enlarges the batches so that all sockets are closing after three quarters of the timeout", () => {
    open(1000);
    start({ timeoutMs: 4000, pace: { batch: 1, intervalMs: 1000 } });
    expect(closedCounts(3, 1000)).toEqual([250, 500, 750, 1000]);
  });

  it("closes all sockets at once when the interval is longer than the timeout", () => {
    open(5);
    start({ timeoutMs: 1000, pace: { batch: 1, intervalMs: 60_000 } });
    expect(closedCount()).toBe(5);
  });

  it("skips sockets that have already ended and leaves no timer behind", () => {
    open(3);
    start({ pace: { batch: 1, intervalMs: 100 } });
    connections[1].end({ code: 1000 });
    clock.advance(1000);
    expect(connections[1].calls).toEqual([]);
    expect(connections[2].calls).toEqual([["close", 1012, "restart"]]);
    expect(clock.pendingCount).toBe(0);
  });

  it("does nothing without sockets", () => {
    open(0);
    start({ pace: { batch: 1, intervalMs: 100 } });
    expect(clock.pendingCount).toBe(0);
  });

  it("closes the remaining sockets with the new code when started again without a pace", () => {
    open(3);
    start({ pace: { batch: 1, intervalMs: 100 } });
    start({ code: 1001, reason: "now" });
    expect(connections.map(({ calls }) => calls)).toEqual([
      [["close", 1012, "restart"]],
      [["close", 1001, "now"]],
      [["close", 1001, "now"]],
    ]);
    clock.advance(1000);
    expect(connections.flatMap(({ calls }) => calls)).toHaveLength(3);
  });

  it("adopts a new pace only if it ends earlier", () => {
    open(7);
    start({ timeoutMs: 8000, pace: { batch: 1, intervalMs: 1000 } });
    start({ code: 4000, timeoutMs: 20_000, pace: { batch: 7, intervalMs: 1000 } });
    expect(closedCounts(1, 1000)).toEqual([1, 2]);
    start({ code: 4001, timeoutMs: 3000, pace: { batch: 2, intervalMs: 1000 } });
    expect(closedCounts(2, 1000)).toEqual([4, 6, 7]);
    expect(connections.map(({ calls }) => calls[0][1])).toEqual([
      1012, 1012, 4001, 4001, 4001, 4001, 4001,
    ]);
  });
});
