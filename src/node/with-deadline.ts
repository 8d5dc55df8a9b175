import { wheel } from "./timers.ts";

/**
 * Resolves when `work` does. After `timeoutMs` it calls `giveUp`, which is to end the work by force,
 * and resolves in the next turn whether or not that helped.
 */
export function withDeadline(
  work: Promise<unknown>,
  timeoutMs: number,
  giveUp: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = wheel.start(timeoutMs, () => {
      giveUp();
      setImmediate(resolve);
    });
    work.then(() => resolve(), reject).finally(() => timer.cancel());
  });
}
