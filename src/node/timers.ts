import { type Clock, TimerWheel } from "../connection/timer-wheel.ts";

/**
 * Calls back in the next turn of the event loop. This is the `setImmediate` of Node.js even while a
 * test fakes timers: bytes must arrive without the test's clock being moved.
 */
export const inNextTurn: (callback: () => void) => void = setImmediate;

/**
 * The time of the process. Tests may replace `setTimeout`, `performance.now` or both, and take them
 * back: this clock then continues from where it was, and keeps the call that it has scheduled.
 */
export class ProcessClock implements Clock {
  // Compared and never called.
  #now: unknown = currentNow();
  #setTimeout = setTimeout;
  #offsetMs = 0;
  #lastMs = 0;
  #pending = new Set<ScheduledCall>();

  nowMs(): number {
    if (currentNow() !== this.#now || setTimeout !== this.#setTimeout) this.#adoptTimers();
    this.#lastMs = performance.now() + this.#offsetMs;
    return this.#lastMs;
  }

  /** @param keepsAlive whether the process may not end before; default false */
  schedule(callback: () => void, delayMs: number, keepsAlive = false): void {
    this.#start({ callback, dueMs: this.nowMs() + delayMs, keepsAlive }, delayMs);
  }

  #start(call: ScheduledCall, delayMs: number): void {
    this.#pending.add(call);
    const timer = setTimeout(() => this.#fire(call), delayMs);
    // What a test puts in the place of setTimeout may return anything.
    if (!call.keepsAlive) (timer as Partial<NodeJS.Timeout>).unref?.();
  }

  #fire(call: ScheduledCall): void {
    // It may have been started once more, when timers were faked.
    if (!this.#pending.delete(call)) return;
    // Where a test fakes timers without performance.now, only timers show that time passes.
    const earlyMs = call.dueMs - this.nowMs();
    if (earlyMs > MAX_EARLY_MS) this.#offsetMs += earlyMs;
    call.callback();
  }

  #adoptTimers(): void {
    this.#now = currentNow();
    this.#setTimeout = setTimeout;
    this.#offsetMs = this.#lastMs - performance.now();
    // Those replaced may never fire.
    for (const call of this.#pending) this.#start(call, Math.ceil(call.dueMs - this.#lastMs));
  }
}

function currentNow(): unknown {
  // oxlint-disable-next-line typescript/unbound-method -- only its identity matters
  return performance.now;
}

interface ScheduledCall {
  readonly callback: () => void;
  readonly dueMs: number;
  readonly keepsAlive: boolean;
}

/** Node.js fires timers up to a millisecond early by `performance.now`. */
const MAX_EARLY_MS = 2;

export const clock: ProcessClock = new ProcessClock();

/** The process's one wheel: handshakes, heartbeats and closing handshakes all turn on it. */
export const wheel: TimerWheel = new TimerWheel(clock);
