import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimerWheel } from "../../src/connection/timer-wheel.ts";
import { ManualClock } from "./support.ts";

const TICK_MS = 100;

describe("TimerWheel", () => {
  it("never fires a timeout early, and at most two ticks late for any delay", () => {
    const delays = fc.array(fc.nat(200_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(delays, fc.nat(99), (delaysMs, startMs) => {
        const clock = new ManualClock();
        const wheel = new TimerWheel(clock, TICK_MS);
        clock.advance(startMs);
        const firedMs = new Map<number, number>();
        delaysMs.forEach((delayMs, index) =>
          wheel.start(delayMs, () => firedMs.set(index, clock.nowMs() - startMs)),
        );
        clock.advance(201_000);
        delaysMs.forEach((delayMs, index) => {
          expect(firedMs.get(index)).toBeGreaterThanOrEqual(delayMs);
          expect(firedMs.get(index)).toBeLessThanOrEqual(delayMs + 2 * TICK_MS);
        });
      }),
      { numRuns: 30 },
    );
  });

  it("fires a timeout without delay that is started exactly on a tick", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let count = 0;
    wheel.start(0, () => count++);
    clock.advance(TICK_MS);
    expect(count).toBe(1);
  });

  it.each([Infinity, Number.MAX_VALUE])(
    "never fires a timeout of %s ms, and can cancel it",
    (delayMs) => {
      const clock = new ManualClock();
      const wheel = new TimerWheel(clock, TICK_MS);
      const fired: string[] = [];
      const endless = wheel.start(delayMs, () => fired.push("endless"));
      wheel.start(500, () => fired.push("other"));
      clock.advance(1_000_000);
      expect(fired).toEqual(["other"]);
      endless.cancel();
      clock.advance(1_000);
      expect(fired).toEqual(["other"]);
    },
  );

  it("does not fire a cancelled timeout, and ignores a second cancel", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let count = 0;
    const timer = wheel.start(500, () => count++);
    wheel.start(500, () => count++);
    timer.cancel();
    timer.cancel();
    clock.advance(1000);
    timer.cancel();
    expect(count).toBe(1);
  });

  it("allows a timeout to cancel another of the same tick and start a new one", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const fired: string[] = [];
    wheel.start(500, () => {
      fired.push("first");
      second.cancel();
      wheel.start(0, () => fired.push("third"));
    });
    const second = wheel.start(500, () => fired.push("second"));
    clock.advance(2000);
    expect(fired).toEqual(["first", "third"]);
  });

  it("uses no clock timer without timeouts, and starts again afterwards", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    expect(clock.pendingCount).toBe(0);
    wheel.start(300, () => {});
    expect(clock.pendingCount).toBe(1);
    clock.advance(1_000_000);
    expect(clock.pendingCount).toBe(0);
    let hasFired = false;
    wheel.start(300, () => (hasFired = true));
    clock.advance(500);
    expect(hasFired).toBe(true);
  });

  it("fires everything once after the clock has jumped by more than one revolution", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let count = 0;
    for (let delayMs = 0; delayMs < 60_000; delayMs += 700) wheel.start(delayMs, () => count++);
    clock.stall(10_000_000);
    clock.advance(TICK_MS);
    expect(count).toBe(86);
    expect(clock.pendingCount).toBe(0);
  });

  it("fires nothing in the first turn after a stall, so that pending data is read first", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let count = 0;
    const timers = [wheel.start(1_000, () => count++), wheel.start(1_000, () => count++)];
    clock.stall(5_000);
    expect(count).toBe(0);
    expect(wheel.coarseNowMs).toBe(5_000);
    timers[0].cancel();
    clock.advance(TICK_MS);
    expect(count).toBe(1);
  });

  it("fires timeouts in an event loop in which every turn is late", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    let count = 0;
    wheel.start(1_000, () => count++);
    clock.stall(1_000);
    clock.stall(1_000);
    expect(count).toBe(1);
  });

  it("fires the other due timeouts after a callback that throws", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, TICK_MS);
    const fired: string[] = [];
    wheel.start(100, () => {
      throw new Error("a bug of the caller's");
    });
    wheel.start(100, () => fired.push("same tick"));
    wheel.start(500, () => fired.push("later"));
    expect(() => clock.advance(1000)).toThrow("a bug of the caller's");
    clock.advance(1000);
    expect(fired).toEqual(["same tick", "later"]);
  });
});
