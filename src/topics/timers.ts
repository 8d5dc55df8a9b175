/** The timers of a runtime; `globalThis` has them. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** Resolves after `delayMs`. The process may exit before. */
export function delay(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => unref(timers.setTimeout(resolve, delayMs)));
}

/**
 * Calls back every `intervalMs`. The process may exit meanwhile.
 *
 * @returns a function that ends it
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

/** The delay before the next attempt, after so many failures in a row: exponential, with jitter. */
export function backoffMs(failures: number): number {
  return Math.min(5_000, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}
