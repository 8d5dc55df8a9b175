/** How long to wait after a request beyond a limit on a number, in milliseconds. */
export const RETRY_AFTER_MS = 1_000;

/** Sums of fractions differ by this much from the exact number. */
const ROUNDING = 1e-6;

/** Limits the requests of one session per second. A second's worth may arrive at once. */
export class RateLimit {
  readonly #perSecond: number;
  #tokens: number;
  #updatedMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = Math.max(1, perSecond);
    this.#updatedMs = nowMs;
  }

  /** Counts a request. Returns 0, or the time until the next request is allowed, in milliseconds. */
  take(nowMs: number): number {
    const perMs = this.#perSecond / 1_000;
    const added = (nowMs - this.#updatedMs) * perMs;
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + Math.max(0, added));
    this.#updatedMs = nowMs;
    if (this.#tokens < 1 - ROUNDING) return Math.ceil((1 - this.#tokens) / perMs - ROUNDING);
    this.#tokens -= 1;
    return 0;
  }
}

/** By name: the maximum number of requests per second. */
type RatesByName = Readonly<Record<string, { readonly perSecond?: number }>>;

/** The rates of one session: of all its requests of a kind, and by topic pattern or call. */
export class RateLimits {
  readonly #all: RateLimit | undefined;
  readonly #byName = new Map<string, RateLimit>();
  readonly #rates: RatesByName;
  readonly #nowMs: () => number;

  constructor(perSecond: number, rates: RatesByName, nowMs: () => number) {
    this.#rates = rates;
    this.#nowMs = nowMs;
    if (perSecond < Infinity) this.#all = new RateLimit(perSecond, nowMs());
  }

  /** Counts a request. Returns 0, or the time until it may be sent again, in milliseconds. */
  take(name: string): number {
    const nowMs = this.#nowMs();
    const waitMs = this.#of(name, nowMs)?.take(nowMs) ?? 0;
    return waitMs > 0 ? waitMs : (this.#all?.take(nowMs) ?? 0);
  }

  #of(name: string, nowMs: number): RateLimit | undefined {
    const known = this.#byName.get(name);
    const perSecond = Object.hasOwn(this.#rates, name) ? this.#rates[name].perSecond : undefined;
    if (known !== undefined || perSecond === undefined) return known;
    const limit = new RateLimit(perSecond, nowMs);
    this.#byName.set(name, limit);
    return limit;
  }
}

/** Returns undefined if there is no limit, so that requests cost nothing. */
export function createRateLimits(
  perSecond: number,
  rates: RatesByName,
  nowMs: () => number,
): RateLimits | undefined {
  const isUnlimited = perSecond === Infinity && Object.keys(rates).length === 0;
  return isUnlimited ? undefined : new RateLimits(perSecond, rates, nowMs);
}
