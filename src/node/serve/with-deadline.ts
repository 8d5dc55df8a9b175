/**
 * Resolves when `work` does. After `timeoutMs` it calls `giveUp`, which is to end the work by force,
 * and resolves in the next turn whether or not that helped. Until then it keeps the process alive,
 * so that whoever waits for it gets to go on.
 */
export function withDeadline(
  work: Promise<unknown>,
  timeoutMs: number,
  giveUp: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp();
      setImmediate(resolve);
    }, timeoutMs);
    work.then(() => resolve(), reject).finally(() => clearTimeout(timer));
  });
}
