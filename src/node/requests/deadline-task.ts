import { deferred } from "../../server/socket/deferred.ts";
import { inNextTurn } from "../environment/timers.ts";

/** Asynchronous work with a deadline, which later calls can only bring forward. */
export class DeadlineTask {
  /**
   * Resolves when the work has ended, or in the next turn of the event loop after the deadline. Rejects if
   * the work rejects before the deadline.
   */
  readonly done: Promise<void>;
  readonly #expire: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Infinity without a deadline; 0 after the end of the work. */
  #deadlineMs = Infinity;

  /**
   * @param abort called at the deadline; must end the work
   */
  constructor(work: Promise<unknown>, abort: () => void) {
    const ended = deferred<void>();
    this.done = ended.promise;
    this.#expire = () => {
      abort();
      inNextTurn(() => ended.resolve());
    };
    const onEnd = (): void => {
      clearTimeout(this.#timer);
      this.#deadlineMs = 0;
    };
    work.finally(onEnd).then(
      () => ended.resolve(),
      (error: Error) => ended.reject(error),
    );
  }

  /**
   * Sets the deadline to `delayMs` from now, unless the current one is earlier. The timer keeps the
   * process running, so that code that awaits `done` continues.
   */
  setDeadline(delayMs: number): void {
    const deadlineMs = performance.now() + delayMs;
    if (deadlineMs >= this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#expire, delayMs);
  }
}
