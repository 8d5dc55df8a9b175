/** Whether `value` is a record, as options are: an object that is neither a list nor another sequence. */
export function isRecord<Options extends object>(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !(Symbol.iterator in value);
}
