import type { DebugLog } from "../errors/debug-log.ts";
import type { TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** Short pauses are normal. Only a pause that is longer than this shows that a side is slow. */
const SLOW_MS = 100;

/**
 * Writes to the debug log if a phase of a connection, such as a pause, takes long, and when that phase has
 * ended.
 */
export class SlowPhase {
  readonly #log: DebugLog;
  readonly #wheel: TimerWheel;
  #timer: WheelTimer | undefined;
  #startedMs = 0;
  #isLogged = false;

  constructor(log: DebugLog, wheel: TimerWheel) {
    this.#log = log;
    this.#wheel = wheel;
  }

  /** Starts the phase, unless it has started already. `describe` gets the time since the start. */
  start(describe: (ageMs: number) => string): void {
    if (this.#timer !== undefined) return;
    this.#startedMs = this.#wheel.nowMs;
    this.#timer = this.#wheel.start(SLOW_MS, () => {
      this.#isLogged = true;
      this.#log.write(() => describe(this.#ageMs));
    });
  }

  /** Ends the phase. Writes a line if a line was written during the phase. */
  end(describe: (ageMs: number) => string): void {
    if (this.#isLogged) this.#log.write(() => describe(this.#ageMs));
    this.cancel();
  }

  /** Ends the phase without writing a line. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isLogged = false;
  }

  get #ageMs(): number {
    return Math.round(this.#wheel.nowMs - this.#startedMs);
  }
}
