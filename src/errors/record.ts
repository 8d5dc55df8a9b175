/**
 * Whether `value` can be an object of options: an object that is not iterable, so neither an array nor
 * another sequence.
 */
export function isRecord<Options extends object>(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !(Symbol.iterator in value);
}
