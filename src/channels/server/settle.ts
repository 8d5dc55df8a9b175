import { isThenable } from "../../schema/values.ts";

/**
 * Runs code of the application, and passes its result or error on. If the result is a promise, awaits it;
 * otherwise creates no promise. The callbacks must not throw.
 */
export function settle(
  run: () => unknown,
  onValue: (value: unknown) => void,
  onError: (error: unknown) => void,
): void {
  let value: unknown;
  let isPending: boolean;
  try {
    value = run();
    isPending = isThenable(value);
  } catch (error) {
    onError(error);
    return;
  }
  // `Promise.resolve` guards against a thenable that settles twice.
  if (isPending) Promise.resolve(value).then(onValue, onError);
  else onValue(value);
}
