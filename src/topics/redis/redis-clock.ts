/** The clock of Redis. Each answer with a time sets it. */
export class RedisClock {
  readonly #ownMs: () => number;
  #offsetMs: number | undefined;

  /** @param ownMs a clock of this process that always runs forwards */
  constructor(ownMs: () => number = () => performance.now()) {
    this.#ownMs = ownMs;
  }

  /** Sets the clock to a time in an answer. So it is slow by the latency of the answer. */
  set(redisMs: number): void {
    this.#offsetMs = redisMs - this.#ownMs();
  }

  /** The time of Redis in `delayMs`, in milliseconds. It is 0 before the first answer. */
  in(delayMs: number): number {
    if (this.#offsetMs === undefined) return 0;
    return Math.floor(this.#ownMs() + this.#offsetMs + delayMs);
  }
}
