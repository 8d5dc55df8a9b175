/**
 * Calls `action` at random times, on average once in each interval.
 *
 * @returns a function that stops it
 */
export function repeatAtRandom(action: () => void, intervalMs: number): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const next = (): void => {
    timer = setTimeout(
      () => {
        action();
        next();
      },
      intervalMs * 2 * Math.random(),
    );
  };
  next();
  return () => clearTimeout(timer);
}

/** Resolves after a time. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A random integer from 1 to `most`. */
export function randomUpTo(most: number): number {
  return 1 + Math.floor(Math.random() * most);
}
