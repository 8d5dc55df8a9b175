/** The clock of Redis. Each answer with a time sets it. Set it before the first use. */
export class RedisClock {
  readonly #ownMs: () => number;
  #offsetMs = 0;

  /** @param ownMs a clock of this process that always runs forwards */
  constructor(ownMs: () => number = () => performance.now()) {
    this.#ownMs = ownMs;
  }

  /** Sets the clock to a time in an answer. So it is slow by the latency of the answer. */
  set(redisMs: number): void {
    this.#offsetMs = redisMs - this.#ownMs();
  }

  /** The time of Redis in `delayMs`, in milliseconds. */
  in(delayMs: number): number {
    return Math.floor(this.#ownMs() + this.#offsetMs + delayMs);
  }
}
