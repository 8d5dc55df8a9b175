/** Counts the HTTP requests that are in progress. */
export class PendingRequests {
  readonly #max: number;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get hasRoom(): boolean {
    return this.#count < this.#max;
  }

  /** Counts one request until the returned function is called. Further calls of it have no effect. */
  start(): () => void {
    this.#count++;
    let isCounted = true;
    return () => {
      if (isCounted) this.#count--;
      isCounted = false;
    };
  }
}
