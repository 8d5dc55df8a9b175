/** A property of HTTP handlers that need a route with a wildcard. */
export const NEEDS_WILDCARD: unique symbol = Symbol("needs a wildcard");

/** Whether `value` is a promise, of whatever make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Whether `value` is a Response, be it of another realm or from a library. */
export function isResponse(value: unknown): value is Response {
  return (
    value instanceof Response ||
    (Object.prototype.toString.call(value) === "[object Response]" &&
      typeof (value as Response).status === "number")
  );
}
