/** Whether `value` is a promise or another thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Like `instanceof`, but returns false for a proxy with a trap that throws. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...parameters: never) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}
