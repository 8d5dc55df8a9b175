const MINUTE_MS = 60_000;

/** Limits events to one per minute and kind. */
export class MinuteLimit {
  readonly #nowMs: () => number;
  readonly #passedAtMs = new Map<unknown, number>();

  /** Each kind uses memory, so the caller must limit the number of kinds. */
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
