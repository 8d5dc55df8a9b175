const MINUTE_MS = 60_000;

/** Lets one event of each kind pass in a minute. */
export class MinuteLimit {
  readonly #nowMs: () => number;
  readonly #passedAtMs = new Map<unknown, number>();

  /** Memory grows with the number of kinds, so there must be a bounded number of them. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether an event of this kind may pass now. */
  take(kind: unknown): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - (this.#passedAtMs.get(kind) ?? -Infinity) < MINUTE_MS) return false;
    this.#passedAtMs.set(kind, nowMs);
    return true;
  }
}
