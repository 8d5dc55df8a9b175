/** The global of every runtime. */
const { console } = globalThis as unknown as { console: { error(value: unknown): void } };

/**
 * Wraps an error listener so that it never throws and never causes an unhandled rejection. If it fails, the
 * error and the failure are printed.
 */
export function safeListener<Rest extends unknown[]>(
  listener: (error: unknown, ...rest: Rest) => unknown,
): (error: unknown, ...rest: Rest) => void {
  return (error, ...rest) => {
    const onFailure = (failure: unknown): void => {
      printError(error);
      printError(failure);
    };
    try {
      // The promise of an async listener is not awaited, but its rejection would end the process.
      Promise.resolve(listener(error, ...rest)).catch(onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  };
}

/** Prints a thrown value of any type to the console. Never throws. */
export function printError(error: unknown): void {
  try {
    console.error(error);
  } catch {
    // Getters and proxies can throw while they are printed.
    try {
      console.error("tideway: the application threw a value that the console cannot print");
    } catch {
      // The console itself failed.
    }
  }
}
