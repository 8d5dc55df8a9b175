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
