/**
 * The timer functions of a runtime, such as `globalThis`. Tests can pass their own functions to control the
 * time.
 */
export interface Timers {
  /** Calls `callback` once after `delayMs` milliseconds, and returns the timer. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Cancels a timer that `setTimeout` returned. */
  clearTimeout(timer: never): void;
}

/** Resolves after `delayMs`. The timer does not keep the process alive. */
export function delay(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => unref(timers.setTimeout(resolve, delayMs)));
}

/**
 * Awaits `promise` for at most `timeoutMs`.
 *
 * @throws the result of `toError` if the promise has not settled by then
 */
export function settleWithin<T>(
  timers: Timers,
  timeoutMs: number,
  promise: Promise<T>,
  toError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timers.setTimeout(() => reject(toError()), timeoutMs);
    promise.finally(() => timers.clearTimeout(timer as never)).then(resolve, reject);
  });
}

/**
 * Calls back every `intervalMs`. The timer does not keep the process alive.
 *
 * @returns a function that stops the calls
 */
export function every(timers: Timers, intervalMs: number, callback: () => void): () => void {
  let timer: unknown;
  const wait = (): void => {
    timer = timers.setTimeout(() => {
      wait();
      callback();
    }, intervalMs);
    unref(timer);
  };
  wait();
  return () => timers.clearTimeout(timer as never);
}

function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}

/**
 * The delay before the next attempt, after `failures` earlier failures in a row: exponential, with jitter.
 */
export function backoffMs(failures: number): number {
  return Math.min(5_000, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}
