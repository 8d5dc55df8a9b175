import { ProtocolError } from "../errors/index.ts";
import { CloseCode } from "../errors/close-code.ts";

/**
 * Limits how often a peer may send, with a token bucket. Each message takes one token from a bucket that
 * holds the tokens of one second. The caller passes the time.
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

  /** Adds the tokens for the time since the last call, up to a full bucket. */
  refill(nowMs: number): void {
    const added = this.#newTokens(nowMs);
    // `save` may add more tokens than the bucket holds. They expire when the peer has been silent for a
    // second.
    if (added >= this.perSecond) this.#tokens = this.perSecond;
    else if (this.#tokens < this.perSecond) {
      this.#tokens = Math.min(this.perSecond, this.#tokens + added);
    }
  }

  /**
   * Adds the tokens for the time since the last call, even beyond a full bucket, because messages that were
   * sent while this side did not read arrive all at once.
   */
  save(nowMs: number): void {
    this.#tokens += this.#newTokens(nowMs);
  }

  /** Takes a token. Returns false if there is none. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #newTokens(nowMs: number): number {
    const added = ((nowMs - this.#filledAtMs) * this.perSecond) / 1000;
    this.#filledAtMs = nowMs;
    return added;
  }
}

/** The error for a peer that sends more often than `maxMessagesPerSecond`. */
export function rateExceeded({ perSecond }: MessageRate): ProtocolError {
  return new ProtocolError(
    "RATE_EXCEEDED",
    `the peer sent more messages in a second than maxMessagesPerSecond ${perSecond}`,
    { closeCode: CloseCode.PolicyViolation },
  );
}
