/** The users that joined and left since the last notice. */
export interface PresenceChange {
  readonly came: readonly string[];
  readonly left: readonly string[];
}

/** How long a user must be present or absent before the notice, so that a reload causes no notice. */
const SETTLE_MS = 400;

/** After a reconnect all users return one by one. Users that were present before are not reported. */
const RETURN_SETTLE_MS = 5_000;

/**
 * Turns user lists into notices. Changes are reported once the list has been stable for a moment. So a user
 * that reloads the page, or a room after a restart, causes no notices.
 */
export class Presence {
  readonly #after: (delayMs: number, callback: () => void) => void;
  readonly #onChange: (change: PresenceChange) => void;
  /** The users that are known to be present; absent until the first list. */
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

  /** The client has reconnected; the next lists become complete gradually. */
  returned(): void {
    this.#isReturning = true;
  }

  /** A user has changed its name, and has neither joined nor left. */
  renamed(previous: string, name: string): void {
    if (this.#announced?.delete(previous)) this.#announced.add(name);
  }

  /** The list of users. */
  update(names: readonly string[]): void {
    this.#present = names;
    this.#announced ??= new Set(names);
    const turn = ++this.#latest;
    this.#after(this.#isReturning ? RETURN_SETTLE_MS : SETTLE_MS, () => {
      if (turn === this.#latest) this.#settle();
    });
  }

  /** A user has sent a message. If there is no notice yet that this user has joined, it must come first. */
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
