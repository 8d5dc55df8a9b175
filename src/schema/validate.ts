import { UsageError } from "../errors/index.ts";
import type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
import { isInstance, isThenable } from "./values.ts";

/**
 * The outcome of {@link validate}:
 *
 * - `valid`: `value` is the value as the schema returned it.
 * - `invalid`: the schema found `issues`.
 * - `too-deep`: the value is nested too deeply, so the schema exceeded the maximum call stack size. `cause`
 *   is its error.
 * - `failed`: the schema threw, rejected or returned a wrong result. `cause` is the error.
 */
export type Validation<T> =
  | { readonly kind: "valid"; readonly value: T }
  | { readonly kind: "invalid"; readonly issues: readonly SchemaIssue[] }
  | { readonly kind: "too-deep" | "failed"; readonly cause: unknown };

/**
 * Validates a value that a peer sent. Never throws or rejects. Returns a promise only if the schema does.
 */
export function validate<T>(
  schema: StandardSchema<unknown, T>,
  value: unknown,
): Validation<T> | Promise<Validation<T>> {
  try {
    const result = schema["~standard"].validate(value);
    if (!isThenable(result)) return settle(result);
    return Promise.resolve(result)
      .then(settle<T>)
      .catch((cause: unknown) => explain(cause, value));
  } catch (cause) {
    return explain(cause, value);
  }
}

/**
 * By Standard Schema, a result without `issues` is a success.
 *
 * @throws UsageError `INVALID_SCHEMA_RESULT`
 */
function settle<T>(result: SchemaResult<T>): Validation<T> {
  if (typeof result !== "object" || result === null) throw invalidResult(result);
  const { issues } = result;
  if (issues) {
    // The callers read the messages of the issues, and must not throw.
    if (!isListOfObjects(issues)) throw invalidResult(result);
    return { kind: "invalid", issues };
  }
  if (!("value" in result)) throw invalidResult(result);
  return { kind: "valid", value: result.value };
}

function explain(cause: unknown, value: unknown): Validation<never> {
  // Validation is recursive, so a deeply nested value of a peer can exhaust the stack.
  return { kind: isTooDeep(cause, value) ? "too-deep" : "failed", cause };
}

/** Whether `error` reports an exceeded call stack, and `value` is nested too deeply. */
export function isTooDeep(error: unknown, value: unknown): boolean {
  return isInstance(error, RangeError) && isNestedDeeperThan(MAX_DEPTH, value);
}

function invalidResult(result: unknown): UsageError {
  const type = result === null ? "null" : typeof result;
  const shown = type === "object" ? "an object" : type;
  return new UsageError(
    "INVALID_SCHEMA_RESULT",
    `validate of the schema returned ${shown}; it must return { value } or { issues } (Standard Schema 1)`,
  );
}

/** If a value is nested no deeper than this, the schema caused the RangeError, not the peer. */
const MAX_DEPTH = 100;

function isNestedDeeperThan(depth: number, value: unknown): boolean {
  let level = [value].filter(isObject);
  for (let at = 0; at < depth; at++)
    level = level.flatMap((item) => Object.values(item)).filter(isObject);
  return level.length > 0;
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
