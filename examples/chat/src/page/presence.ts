/** Who has come and who has gone since the last time this was told. */
export interface PresenceChange {
  readonly came: readonly string[];
  readonly left: readonly string[];
}

/** How long somebody must have come or gone before the others are told: a reload is no news. */
const SETTLE_MS = 400;

/** After a reconnect all are coming back one by one; who was there before is no news. */
const RETURN_SETTLE_MS = 5_000;

/**
 * Turns user lists into news. What has changed is told once the list has been still for a moment,
 * so that somebody who reloads the page, or a whole room after a restart, makes no noise.
 */
export class Presence {
  readonly #after: (delayMs: number, callback: () => void) => void;
  readonly #onChange: (change: PresenceChange) => void;
  /** Those whom the user knows to be here; absent until the first list. */
  #announced: Set<string> | undefined;
  #present: readonly string[] = [];
  #isReturning = false;
  #latest = 0;

  constructor(
    after: (delayMs: number, callback: () => void) => void,
    onChange: (change: PresenceChange) => void,
  ) {
    this.#after = after;
    this.#onChange = onChange;
  }

  /** The connection is back; the lists that follow fill up gradually. */
  returned(): void {
    this.#isReturning = true;
  }

  /** Somebody goes by another name: neither came nor left. */
  renamed(previous: string, name: string): void {
    if (this.#announced?.delete(previous)) this.#announced.add(name);
  }

  /** The list of those present. */
  update(names: readonly string[]): void {
    this.#present = names;
    this.#announced ??= new Set(names);
    const turn = ++this.#latest;
    this.#after(this.#isReturning ? RETURN_SETTLE_MS : SETTLE_MS, () => {
      if (turn === this.#latest) this.#settle();
    });
  }

  /** Somebody has spoken: news that this one has come does not follow what was said. */
  messageFrom(name: string): void {
    if (this.#announced === undefined || this.#announced.has(name) || !this.#present.includes(name))
      return;
    this.#announced.add(name);
    this.#onChange({ came: [name], left: [] });
  }

  #settle(): void {
    this.#isReturning = false;
    const announced = this.#announced ?? new Set();
    const present = new Set(this.#present);
    const came = [...present].filter((name) => !announced.has(name));
    const left = [...announced].filter((name) => !present.has(name));
    this.#announced = present;
    if (came.length > 0 || left.length > 0) this.#onChange({ came, left });
  }
}
