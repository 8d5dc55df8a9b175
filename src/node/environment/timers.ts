import { AsyncLocalStorage } from "node:async_hooks";
import { type Clock, TimerWheel } from "../../connection/timer-wheel.ts";

/**
 * Calls back in the next turn of the event loop. It is the real `setImmediate` even while a test fakes
 * timers, because bytes must arrive before the test advances its clock.
 */
export const inNextTurn: (callback: () => void) => void = setImmediate;

/**
 * Calls a function in the asynchronous context in which this module was loaded. The timer of the wheel serves
 * all connections. In the context of the connection that started it, that timer would keep a store of an
 * `AsyncLocalStorage` in memory.
 */
const inFirstContext = AsyncLocalStorage.snapshot();

/**
 * The clock of the process. Tests may replace `setTimeout`, `performance.now` or both, and restore them.
 * The clock then continues from its current time and keeps its scheduled call.
 */
export class ProcessClock implements Clock {
  // These functions are only compared, never called.
  #now: unknown = currentNow();
  #setTimeout = setTimeout;
  #Date = Date;
  #offsetMs = 0;
  #lastMs = 0;
  #pending = new Set<ScheduledCall>();

  nowMs(): number {
    if (this.#wasReplaced()) this.#adoptTimers();
    this.#lastMs = performance.now() + this.#offsetMs;
    return this.#lastMs;
  }

  /** @param keepsAlive whether the timer keeps the process running; default false */
  schedule(callback: () => void, delayMs: number, keepsAlive = false): void {
    this.#start({ callback, dueMs: this.nowMs() + delayMs, keepsAlive }, delayMs);
  }

  #start(call: ScheduledCall, delayMs: number): void {
    this.#pending.add(call);
    const timer = inFirstContext(() => setTimeout(() => this.#fire(call), delayMs));
    // A test's replacement of setTimeout may return anything.
    if (!call.keepsAlive) (timer as Partial<NodeJS.Timeout>).unref?.();
  }

  #fire(call: ScheduledCall): void {
    // The call may have been scheduled again when a test faked timers.
    if (!this.#pending.delete(call)) return;
    // If a test fakes the timers but not performance.now, only the timers show that time passes.
    const earlyMs = call.dueMs - this.nowMs();
    if (earlyMs > MAX_EARLY_MS) this.#offsetMs += earlyMs;
    call.callback();
  }

  /** Whether a test has faked or restored timers since the last call. */
  #wasReplaced(): boolean {
    // `node:test` drops its timers at each reset, but then fakes them with the same functions. Only its
    // `Date` is a new function each time.
    return currentNow() !== this.#now || setTimeout !== this.#setTimeout || Date !== this.#Date;
  }

  #adoptTimers(): void {
    this.#now = currentNow();
    this.#setTimeout = setTimeout;
    this.#Date = Date;
    this.#offsetMs = this.#lastMs - performance.now();
    // Timers of the replaced function may never fire.
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

/** The timer wheel of the process, for handshakes, heartbeats and closing handshakes. */
export const wheel: TimerWheel = new TimerWheel(clock);
