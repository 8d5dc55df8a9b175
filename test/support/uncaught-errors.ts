// Stored before a test replaces the timers.
const { setImmediate } = globalThis;

/**
 * Runs `body`, and returns the errors that it left uncaught: exceptions and the reasons of
 * unhandled rejections, in order. The test runner does not report them.
 *
 * ```ts
 * expect(await uncaughtErrorsOf(() => socket.close())).toEqual([]);
 * ```
 */
export async function uncaughtErrorsOf(body: () => unknown): Promise<unknown[]> {
  const errors: unknown[] = [];
  const collect = (error: unknown): void => void errors.push(error);
  const replaced = EVENTS.map((event) => ({ event, listeners: process.rawListeners(event) }));
  for (const event of EVENTS) process.removeAllListeners(event).on(event, collect);
  try {
    await body();
    await uncaughtErrorsReported();
  } finally {
    for (const { event, listeners } of replaced) {
      process.removeAllListeners(event);
      for (const listener of listeners) process.on(event, listener as () => void);
    }
  }
  return errors;
}

const EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/** Resolves when Node has reported pending uncaught errors, after one turn of its event loop. */
export function uncaughtErrorsReported(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
