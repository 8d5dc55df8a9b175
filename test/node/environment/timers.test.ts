import { AsyncLocalStorage } from "node:async_hooks";
import { mock } from "node:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ProcessClock } from "../../../src/node/environment/timers.ts";

describe("the clock of the process", () => {
  afterEach(() => {
    mock.timers.reset();
    vi.useRealTimers();
  });

  it("keeps its scheduled calls when a test resets node:test's timers and fakes them again", () => {
    const clock = new ProcessClock();
    const called = vi.fn<() => void>();
    mock.timers.enable();
    clock.schedule(called, 100);
    mock.timers.reset();
    mock.timers.enable();
    clock.nowMs();
    mock.timers.tick(100);
    expect(called).toHaveBeenCalledOnce();
  });

  it("keeps its scheduled calls when a test fakes timers, and when it restores them", async () => {
    const clock = new ProcessClock();
    const called = vi.fn<() => void>();
    clock.schedule(called, 1);
    vi.useFakeTimers();
    clock.nowMs();
    vi.advanceTimersByTime(10);
    expect(called).toHaveBeenCalledOnce();
    await new Promise<void>((resolve) => {
      clock.schedule(resolve, 1, true);
      vi.useRealTimers();
      clock.nowMs();
    });
  });

  it("does not keep the asynchronous context of a call to schedule", async () => {
    const storage = new AsyncLocalStorage<string>();
    const clock = new ProcessClock();
    const store = await storage.run("one connection", () => {
      return new Promise((resolve) => clock.schedule(() => resolve(storage.getStore()), 1, true));
    });
    expect(store).toBeUndefined();
  });
});
