export interface PaceOptions {
  /** The amount that can be spent at once. */
  readonly burst: number;
  /** The amount that is refilled every second. */
  readonly perSecond: number;
}

/**
 * Limits how fast a client may send: after a burst, it must wait. The server waits before its next read,
 * which slows the client down because its socket is not read.
 */
export class Pace {
  readonly #options: PaceOptions;
  readonly #now: () => number;
  #balance: number;
  #balancedAt: number;

  /** @param now Milliseconds of a clock that is never set back. */
  constructor(options: PaceOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#now = now;
    this.#balance = options.burst;
    this.#balancedAt = now();
  }

  /** Spends `cost`, and returns the milliseconds to wait before the next read. */
  spend(cost: number): number {
    const { burst, perSecond } = this.#options;
    const now = this.#now();
    const earned = ((now - this.#balancedAt) * perSecond) / 1000;
    this.#balance = Math.min(burst, this.#balance + earned) - cost;
    this.#balancedAt = now;
    return this.#balance >= 0 ? 0 : (-this.#balance * 1000) / perSecond;
  }
}
