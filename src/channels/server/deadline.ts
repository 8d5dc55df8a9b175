import { MAX_DELAY_MS } from "../../errors/check-options.ts";
import type { Timers } from "../../topics/index.ts";

/** Calls back at a time of the wall clock. The timer does not keep the process alive. */
export class Deadline {
  readonly #timers: Timers;
  readonly #nowMs: () => number;
  #timer: unknown;

  constructor(timers: Timers, nowMs: () => number) {
    this.#timers = timers;
    this.#nowMs = nowMs;
  }

  /** Replaces an earlier time. */
  set(atMs: number, callback: () => void): void {
    this.cancel();
    const waitMs = Math.max(0, atMs - this.#nowMs());
    const wait = waitMs > MAX_DELAY_MS ? (): void => this.set(atMs, callback) : callback;
    this.#timer = this.#timers.setTimeout(wait, Math.min(waitMs, MAX_DELAY_MS));
    (this.#timer as { unref?: () => void }).unref?.();
  }

  cancel(): void {
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer as never);
    this.#timer = undefined;
  }
}
