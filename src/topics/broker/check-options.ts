import { invalidOption, shown } from "../../errors/check-options.ts";
import { BrokerError } from "../../errors/index.ts";

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
