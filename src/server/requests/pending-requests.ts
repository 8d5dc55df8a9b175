import type { TimerWheel } from "../../connection/timer-wheel.ts";

/** Counts the HTTP requests in progress. */
export class PendingRequests {
  readonly #max: number;
  readonly #wheel: TimerWheel;
  readonly #graceMs: number;
  #count = 0;

  /** @param graceMs how long a request counts after its response has closed, if its handler has not returned */
  constructor(max: number, wheel: TimerWheel, graceMs: number) {
    this.#max = max;
    this.#wheel = wheel;
    this.#graceMs = graceMs;
  }

  get hasRoom(): boolean {
    return this.#count < this.#max;
  }

  /**
   * Counts a request until its response has closed and `work` has settled.
   *
   * @param work never rejects; undefined if the work has ended
   * @param onClose registers a listener for the end of the response, or of the connection
   */
  count(work: Promise<unknown> | undefined, onClose: (listener: () => void) => void): void {
    const end = this.#start();
    if (work === undefined) {
      onClose(end);
      return;
    }
    let isWorking = true;
    void work.then(() => (isWorking = false));
    onClose(() => {
      if (!isWorking) return end();
      // A handler that never returns must not count for long after its client has disconnected.
      const timer = this.#wheel.start(this.#graceMs, end);
      void work.then(() => {
        timer.cancel();
        end();
      });
    });
  }

  /** Counts one request until the returned function is called. Calling that function again has no effect. */
  #start(): () => void {
    this.#count++;
    let isCounted = true;
    return () => {
      if (isCounted) this.#count--;
      isCounted = false;
    };
  }
}
