import type { ResolvedLimits } from "./limits.ts";
import { createRateLimits, type RateLimits } from "./rate-limit.ts";

/** The rates of one session on this server, which its connections share. */
export interface SessionRates {
  readonly publishes: RateLimits | undefined;
  /** Of calls and streams together. */
  readonly calls: RateLimits | undefined;
}

interface KnownRates extends SessionRates {
  /** The number of connections that use the rates. */
  users: number;
  /** When the last connection ended. Without a request for a while after that, the rates are like new ones. */
  endedMs: number;
}

/**
 * The rates of the sessions on this server, so that a reconnect does not reset them. The rates of a session without
 * a connection are kept until they have no effect, and for at most `maxRatedSessions` sessions.
 */
export class RatesBySession {
  readonly #limits: ResolvedLimits;
  readonly #nowMs: () => number;
  /** The time in which every rate allows as many requests as at the start. */
  readonly #refillMs: number;
  readonly #used = new Map<string, KnownRates>();
  /** Without a connection. The rates that have been unused longest are first. */
  readonly #unused = new Map<string, KnownRates>();

  constructor(limits: ResolvedLimits, nowMs: () => number) {
    const { publishesPerSecond, callsPerSecond, topics, calls } = limits;
    const byName = [...Object.values(topics), ...Object.values(calls)];
    const rates = [publishesPerSecond, callsPerSecond, ...byName.map((rate) => rate.perSecond)];
    const slowest = Math.min(1, ...rates.filter((rate) => rate !== undefined));
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#refillMs = 1_000 / slowest;
  }

  /** The number of sessions with rates. */
  get size(): number {
    return this.#used.size + this.#unused.size;
  }

  /** Returns the rates of a session. Call `release` when the connection has ended. */
  acquire(session: string): SessionRates {
    this.#forgetOld();
    const rates = this.#used.get(session) ?? this.#unused.get(session) ?? this.#create();
    this.#unused.delete(session);
    this.#used.set(session, rates);
    rates.users++;
    return rates;
  }

  release(session: string): void {
    const rates = this.#used.get(session);
    if (rates === undefined) return;
    rates.users--;
    if (rates.users > 0) return;
    rates.endedMs = this.#nowMs();
    this.#used.delete(session);
    this.#unused.set(session, rates);
    this.#forgetOld();
  }

  #create(): KnownRates {
    const { publishesPerSecond, callsPerSecond, topics, calls } = this.#limits;
    return {
      publishes: createRateLimits(publishesPerSecond, topics, this.#nowMs),
      calls: createRateLimits(callsPerSecond, calls, this.#nowMs),
      users: 0,
      endedMs: 0,
    };
  }

  #forgetOld(): void {
    const oldestMs = this.#nowMs() - this.#refillMs;
    for (const [session, { endedMs }] of this.#unused) {
      if (endedMs > oldestMs && this.#unused.size <= this.#limits.maxRatedSessions) return;
      this.#unused.delete(session);
    }
  }
}

/** Returns undefined if there are no limits on rates, so that sessions cost nothing. */
export function createRatesBySession(
  limits: ResolvedLimits,
  nowMs: () => number,
): RatesBySession | undefined {
  const { publishesPerSecond, callsPerSecond, topics, calls } = limits;
  const isUnlimited = publishesPerSecond === Infinity && callsPerSecond === Infinity;
  const hasNames = Object.keys(topics).length + Object.keys(calls).length > 0;
  return isUnlimited && !hasNames ? undefined : new RatesBySession(limits, nowMs);
}
