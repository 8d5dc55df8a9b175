/** A connection with waiting output. */
export interface Flushable {
  flush(): void;
}

/**
 * The connections that code wrote to during this turn. All are flushed when the turn ends, so that all
 * messages that a turn sends on a connection leave in one write.
 */
export class FlushQueue {
  readonly #defer: (callback: () => void) => void;
  #waiting: Flushable[] = [];

  /** `defer` calls back at the end of the running turn, after its promise jobs. */
  constructor(defer: (callback: () => void) => void) {
    this.#defer = defer;
  }

  /** Flushes `item` at the end of the turn. */
  add(item: Flushable): void {
    if (this.#waiting.push(item) === 1) this.#defer(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) item.flush();
  };
}
