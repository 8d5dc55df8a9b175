/**
 * Whether `value` can be an object of options: an object that is not iterable, so neither an array nor
 * another sequence.
 */
export function isRecord<Options extends object>(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !(Symbol.iterator in value);
}

/** Returns the options that are set. Undefined ones would replace defaults when the objects are merged. */
export function withoutUndefined<Options extends object>(options: Options): Partial<Options> {
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Partial<Options>;
}
