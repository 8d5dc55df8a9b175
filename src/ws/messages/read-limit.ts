/**
 * Returns a limit, or undefined for none. Like the package `ws`, converts the value to a 32-bit integer, so null
 * removes the limit.
 */
export function readLimit(
  value: number | null | undefined,
  defaultValue: number,
): number | undefined {
  // From 2 ** 31 on, numbers wrap around.
  const integer = Number(value === undefined ? defaultValue : value) | 0;
  return integer > 0 ? integer : undefined;
}
