/** A property of HTTP handlers that need a route with a wildcard. */
export const NEEDS_WILDCARD: unique symbol = Symbol("needs a wildcard");

/** Whether `value` is a promise or another thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/**
 * Whether `value` is a Response of this runtime. A framework may have replaced the global class, while
 * `Response.error` and other functions still return the original one.
 */
export function isOwnResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Response) return true;
  const prototype: object = Object.getPrototypeOf(Response.error()) as object;
  return Object.prototype.isPrototypeOf.call(prototype, value);
}

/** Whether `value` is a Response: of this runtime, of another realm, or of a library. */
export function isResponse(value: unknown): value is Response {
  return (
    isOwnResponse(value) ||
    (Object.prototype.toString.call(value) === "[object Response]" &&
      typeof (value as Response).status === "number")
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
