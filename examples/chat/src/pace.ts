export interface PaceOptions {
  /** What may be spent at once. */
  readonly burst: number;
  /** What comes back every second. */
  readonly perSecond: number;
}

/**
 * Says how fast somebody may go on: what is spent beyond the burst has to be waited for. Waiting
 * before the next read is enough to slow a client down, since its socket is then not read either.
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

  /** Spends `cost`, and returns for how many milliseconds to wait before going on. */
  spend(cost: number): number {
    const { burst, perSecond } = this.#options;
    const now = this.#now();
    const earned = ((now - this.#balancedAt) * perSecond) / 1000;
    this.#balance = Math.min(burst, this.#balance + earned) - cost;
    this.#balancedAt = now;
    return this.#balance >= 0 ? 0 : (-this.#balance * 1000) / perSecond;
  }
}
