/**
 * How often a peer may send: a bucket that holds the tokens of one second, of which each message
 * takes one. It has no clock and no timer of its own.
 */
export class MessageRate {
  readonly perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAtMs = nowMs;
  }

  /** Adds what has been earned since the last time, up to a full bucket. */
  refill(nowMs: number): void {
    const earned = this.#earn(nowMs);
    // What was saved on top of a full bucket is gone once the peer has been silent for a second.
    if (earned >= this.perSecond) this.#tokens = this.perSecond;
    else if (this.#tokens < this.perSecond) {
      this.#tokens = Math.min(this.perSecond, this.#tokens + earned);
    }
  }

  /**
   * Adds all that has been earned since the last time: what was sent while this side did not read
   * comes in one go, which is not the peer's doing.
   */
  save(nowMs: number): void {
    this.#tokens += this.#earn(nowMs);
  }

  /** Whether there is a token left to take. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #earn(nowMs: number): number {
    const earned = ((nowMs - this.#filledAtMs) * this.perSecond) / 1000;
    this.#filledAtMs = nowMs;
    return earned;
  }
}
