/** A connection with waiting output. */
export interface Flushable {
  flush(): void;
}

/** A connection that receives bytes, and writes its output after that. */
export interface Receiver {
  /** Writes the output now, and no longer waits until all bytes have been processed. */
  stopReceiving(): void;
}

/**
 * The connections to which the application wrote during this turn of the event loop. They are flushed when
 * the turn ends, so that all messages of a turn to one connection need only one write.
 */
export class FlushQueue {
  /** The connection that receives bytes at this moment. Its output is not in the queue. */
  receiving: Receiver | undefined;
  #defer: (callback: () => void) => void;
  #waiting: Flushable[] = [];

  /**
   * @param defer calls back at the end of the current turn of the event loop, after its promise jobs
   */
  constructor(defer: (callback: () => void) => void) {
    this.#defer = defer;
  }

  /** Flushes `item` at the end of the turn of the event loop. */
  add(item: Flushable): void {
    if (this.#waiting.push(item) === 1) this.#defer(this.#flushAll);
  }

  /**
   * Flushes everything now, and from now on each item at once. Call this when the process exits, because no turn
   * of the event loop follows.
   */
  stopDeferring(): void {
    this.#defer = (callback) => callback();
    this.receiving?.stopReceiving();
    this.#flushAll();
  }

  readonly #flushAll = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    let flushed = 0;
    try {
      while (flushed < waiting.length) waiting[flushed++].flush();
    } finally {
      // If a flush has thrown, the other connections must still be flushed.
      for (const item of waiting.slice(flushed)) this.add(item);
    }
  };
}
