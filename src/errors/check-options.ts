import { UsageError } from "./index.ts";
import { isRecord } from "./record.ts";
import { similarName } from "./similar-name.ts";

// Each check accepts an absent option. `where` is the function or class that has the options. Code for browsers has
// its own checks with short messages, because its bundle has no room for these.

/** The longest delay of a timer. A timer with a longer delay fires at once. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1;

/** Creates the error for a value that an option does not allow. */
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

/** Details of {@link checkNames}. */
interface NamesDetails {
  /** The option that contains the options, such as `heartbeat`. */
  readonly of?: string;
  /** What to do instead, by the names of options that belong elsewhere. */
  readonly advice?: Readonly<Record<string, string>>;
  /** Further names to suggest for a misspelt one, which other code checks. */
  readonly others?: readonly string[];
}

/** @throws UsageError `INVALID_OPTION` if `options` has a name that is not in `names` */
export function checkNames(
  where: string,
  options: object,
  names: readonly string[],
  { of, advice = {}, others = [] }: NamesDetails = {},
): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const path = of === undefined ? unknown : `${of}.${unknown}`;
  const similar = similarName(unknown, [...names, ...others]);
  const hint = Object.hasOwn(advice, unknown)
    ? `; ${advice[unknown]}`
    : similar === undefined
      ? ""
      : `; did you mean ${similar}?`;
  throw new UsageError("INVALID_OPTION", `${where}: there is no option ${path}${hint}`);
}

/**
 * @param advice what to pass instead
 * @throws UsageError `INVALID_OPTION` unless `options` is an object that can hold options
 */
export function checkRecord(
  where: string,
  options: unknown,
  advice = "an object, or nothing for the defaults",
): asserts options is object {
  if (isRecord(options)) return;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: the options are ${shown(options)}; pass ${advice}`,
  );
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a safe integer from `least` to `most` */
export function checkInteger(
  where: string,
  name: string,
  value: unknown,
  least = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  const hasMost = most < Number.MAX_SAFE_INTEGER;
  const range = hasMost
    ? ` from ${least} to ${most}`
    : least === 1
      ? " above 0"
      : `, ${least} or more`;
  throw invalidOption(where, name, value, `an integer${range}`);
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a safe integer above 0, or Infinity */
export function checkCount(where: string, name: string, value: unknown): void {
  if (value === undefined || value === Infinity) return;
  if (Number.isSafeInteger(value) && Number(value) > 0) return;
  throw invalidOption(where, name, value, "an integer above 0, or Infinity");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a number above 0 */
export function checkPositive(where: string, name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw invalidOption(where, name, value, "a number above 0");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a delay of a timer in milliseconds, above 0 */
export function checkDelay(where: string, name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value === "number" && value > 0 && value <= MAX_DELAY_MS) return;
  throw invalidOption(where, name, value, `a number above 0 and at most ${MAX_DELAY_MS}`);
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a boolean */
export function checkBoolean(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw invalidOption(where, name, value, "true or false");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is a function */
export function checkFunction(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw invalidOption(where, name, value, "a function");
}

/** @throws UsageError `INVALID_OPTION` unless `value` is one of `texts` */
export function checkOneOf(
  where: string,
  name: string,
  value: unknown,
  texts: readonly string[],
): void {
  if (value === undefined || (texts as readonly unknown[]).includes(value)) return;
  const quoted = texts.map((text) => JSON.stringify(text));
  throw invalidOption(where, name, value, `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`);
}

const MAX_SHOWN_LENGTH = 100;

/** Describes a value in an error message: as JSON, or by its type if JSON is long or cannot express it. */
export function shown(value: unknown): string {
  if (value === undefined || typeof value === "number") return String(value);
  const json = typeof value === "function" ? undefined : toJson(value);
  if (json !== undefined && json.length <= MAX_SHOWN_LENGTH) return json;
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return typeof value === "function" ? "a function" : `a value of type ${typeof value}`;
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
