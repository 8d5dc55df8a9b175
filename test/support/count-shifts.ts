const { shift } = Array.prototype;

/**
 * Counts the calls of `shift` of arrays during `run`. For a long array, each call takes time in proportion to
 * its length.
 */
export async function countShifts(run: () => Promise<void>): Promise<number> {
  let count = 0;
  const define = (value: unknown): unknown =>
    // oxlint-disable-next-line eslint/no-extend-native -- it is restored at the end
    Object.defineProperty(Array.prototype, "shift", { value, configurable: true, writable: true });
  define(function (this: unknown[]): unknown {
    count++;
    return shift.call(this);
  });
  try {
    await run();
  } finally {
    define(shift);
  }
  return count;
}
