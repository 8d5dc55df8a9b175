import { deferred } from "../../server/deferred.ts";
import { inNextTurn } from "../timers.ts";

/** Work that comes to an end, by itself or by force. */
export class Ending {
  /**
   * Resolves when the work has ended, or in the turn after it was ended by force, whether or not
   * that helped.
   */
  readonly done: Promise<void>;
  readonly #giveUp: () => void;
  #timer: NodeJS.Timeout | undefined;
  #deadlineMs = Infinity;

  /** `giveUp` is called at the deadline and is to end the work by force. */
  constructor(work: Promise<unknown>, giveUp: () => void) {
    const ended = deferred<void>();
    this.done = ended.promise;
    this.#giveUp = () => {
      giveUp();
      inNextTurn(() => ended.resolve());
    };
    const end = (): void => {
      clearTimeout(this.#timer);
      this.#deadlineMs = 0;
    };
    work.finally(end).then(
      () => ended.resolve(),
      (error: Error) => ended.reject(error),
    );
  }

  /**
   * Sets the deadline, unless there is an earlier one. Until then it keeps the process alive, so that
   * whoever waits gets to go on.
   */
  within(delayMs: number): void {
    const deadlineMs = performance.now() + delayMs;
    if (deadlineMs >= this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#giveUp, delayMs);
  }
}
