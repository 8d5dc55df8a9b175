/** Something that has output waiting. */
export interface Flushable {
  flush(): void;
}

/**
 * The connections that were written to outside of a turn of their own. All are flushed together
 * when the turn ends, so that what one turn sends leaves in one write a connection.
 */
export class FlushQueue {
  readonly #defer: (callback: () => void) => void;
  #waiting: Flushable[] = [];

  /** `defer` calls back once the running turn, its promise jobs included, has ended. */
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
