import { describe, expect, it } from "vitest";
import { settleWithin, type Timers } from "../../../src/topics/broker/timers.ts";

/** Timers that run when the test calls `fire`. */
class ManualTimers implements Timers {
  readonly running = new Map<object, () => void>();

  setTimeout(callback: () => void): object {
    const timer = {};
    this.running.set(timer, callback);
    return timer;
  }

  clearTimeout(timer: object): void {
    this.running.delete(timer);
  }

  fire(): void {
    for (const callback of this.running.values()) callback();
  }
}

const tooLate = new Error("too late");

describe("settleWithin", () => {
  it("settles like the promise, and cancels the timer", async () => {
    const timers = new ManualTimers();
    const settle = <T>(promise: Promise<T>): Promise<T> =>
      settleWithin(timers, 1_000, promise, () => tooLate);
    const cause = new Error("refused");
    await expect(settle(Promise.resolve("done"))).resolves.toBe("done");
    await expect(settle(Promise.reject(cause))).rejects.toBe(cause);
    expect(timers.running.size).toBe(0);
  });

  it("rejects with the given error if the promise has not settled in time", async () => {
    const timers = new ManualTimers();
    let reject!: (error: Error) => void;
    const promise = new Promise<void>((_resolve, fail) => {
      reject = fail;
    });
    const settled = settleWithin(timers, 1_000, promise, () => tooLate);
    timers.fire();
    await expect(settled).rejects.toBe(tooLate);
    // A later rejection of the promise is handled.
    reject(new Error("refused"));
  });
});
