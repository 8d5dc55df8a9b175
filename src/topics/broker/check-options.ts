import { BrokerError, UsageError } from "../../errors/index.ts";

/** The default of `maxTopics`. It equals the default of `maxConnections`. */
export const DEFAULT_MAX_TOPICS = 65_536;

/**
 * @param what describes the topics that count, for the message
 */
export function topicsFull(maxTopics: number, what: string = "subscribers"): BrokerError {
  return new BrokerError(
    "TOPICS_FULL",
    `the number of topics with ${what} has reached maxTopics ${maxTopics}; raise maxTopics, or limit the names that clients may use`,
  );
}

/** @throws UsageError `INVALID_OPTION` unless `options` is an object */
export function checkOptions(where: string, options: unknown): void {
  if (isObject(options)) return;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: the options are ${shown(options)}; pass an object, or nothing for the defaults`,
  );
}

/** @throws UsageError `INVALID_OPTION` if `options` has a name that is not in `names` */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UsageError("INVALID_OPTION", `${where}: there is no option ${unknown}`);
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent, or a safe integer above 0 */
export function checkWhole(where: string, name: string, value: unknown): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) return;
  throw invalidOption(where, name, value, "an integer above 0");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or a function */
export function checkFunction(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw invalidOption(where, name, value, "a function");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or a boolean */
export function checkBoolean(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw invalidOption(where, name, value, "a boolean");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or an object with these methods */
export function checkMethods(
  where: string,
  name: string,
  value: unknown,
  methods: readonly string[],
): void {
  if (value === undefined) return;
  const missing = methods.find((method) => !hasMethod(value, method));
  if (missing === undefined) return;
  throw invalidOption(where, name, value, `an object with the method ${missing}`);
}

/** The maximum length of ids and of senders. */
const MAX_TEXT_LENGTH = 128;

/** Whether `value` is a string of 1 to 128 characters. */
export function isShortText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT_LENGTH;
}

/** The message of an error about a value that is not a short text. */
export function notShortText(name: string, value: unknown): string {
  const got = typeof value === "string" ? `${value.length} characters` : shown(value);
  return `the ${name} must be a string of 1 to ${MAX_TEXT_LENGTH} characters, not ${got}`;
}

/** Whether `value` is an object, or a function, with a method of this name. */
export function hasMethod(value: unknown, name: string): boolean {
  const canHave = (typeof value === "object" && value !== null) || typeof value === "function";
  return canHave && typeof Reflect.get(value, name) === "function";
}

export function invalidOption(
  where: string,
  name: string,
  value: unknown,
  expected: string,
): UsageError {
  return new UsageError(
    "INVALID_OPTION",
    `${where}: ${name} is ${shown(value)}; it must be ${expected}`,
  );
}

/** Whether `value` is an object that can hold options. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Describes a value in an error message: short values in full, others by their type. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string" && value.length <= MAX_SHOWN_LENGTH) return JSON.stringify(value);
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

const MAX_SHOWN_LENGTH = 100;
