import type { ScriptValue } from "./script.ts";

/** The values of the variables of a script. */
export type Variables = ReadonlyMap<string, unknown>;

const PLACEHOLDER = /^<([a-z]+\d*)>$/i;
const PLACEHOLDERS = /<([a-z]+\d*)>/gi;

/**
 * Returns a value of a script with the values of its variables, without absent fields.
 *
 * @throws Error for an unknown variable
 */
export function fill(value: ScriptValue, variables: Variables): unknown {
  if (typeof value === "string") return fillText(value, variables);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return (value as readonly ScriptValue[]).map((item) => fill(item, variables));
  }
  if ("<repeat>" in value) return repeat(value["<repeat>"]);
  const entries = Object.entries(value).map(([name, item]) => [name, fill(item, variables)]);
  return Object.fromEntries(entries) as unknown;
}

function repeat(value: ScriptValue): string {
  const [text, times] = value as readonly [string, number];
  return text.repeat(times);
}

function fillText(text: string, variables: Variables): unknown {
  const [, name] = PLACEHOLDER.exec(text) ?? [];
  if (name !== undefined) return valueOf(name, variables);
  return text.replaceAll(PLACEHOLDERS, (_, part: string) => String(valueOf(part, variables)));
}

function valueOf(name: string, variables: Variables): unknown {
  if (name === "absent") return undefined;
  if (variables.has(name)) return variables.get(name);
  throw new Error(`the variable <${name}> has no value`);
}

/** The result of a comparison: the variables after it, or why the value does not match. */
export type Match = { readonly variables: Variables } | { readonly mismatch: string };

/** Compares a value with the value that a script expects. */
export function match(pattern: ScriptValue, actual: unknown, variables: Variables): Match {
  const after = new Map(variables);
  const mismatch = compare(pattern, actual, after, "$");
  return mismatch === undefined ? { variables: after } : { mismatch };
}

/** Returns why `actual` does not match, or undefined. Stores values in variables. */
function compare(
  pattern: ScriptValue | undefined,
  actual: unknown,
  variables: Map<string, unknown>,
  path: string,
): string | undefined {
  if (typeof pattern === "string") return compareText(pattern, actual, variables, path);
  if (typeof pattern !== "object" || pattern === null) return same(pattern, actual, path);
  if (Array.isArray(pattern)) return compareArray(pattern, actual, variables, path);
  if ("<set>" in pattern) {
    return compareSet(pattern["<set>"] as readonly ScriptValue[], actual, variables, path);
  }
  if ("<repeat>" in pattern) return same(repeat(pattern["<repeat>"]), actual, path);
  if ("<matches>" in pattern) {
    return new RegExp(pattern["<matches>"] as string).test(String(actual))
      ? undefined
      : `${path} is ${show(actual)}; expected ${show(pattern)}`;
  }
  if ("<unlike>" in pattern) return compareUnlike(pattern["<unlike>"], actual, variables, path);
  if (typeof actual !== "object" || actual === null || Array.isArray(actual)) {
    return `${path} is ${show(actual)}, which is not an object`;
  }
  for (const [name, item] of Object.entries(pattern)) {
    const value = (actual as Readonly<Record<string, unknown>>)[name];
    const mismatch = compare(item, value, variables, `${path}.${name}`);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: (value) => value !== undefined,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null,
  absent: (value) => value === undefined,
};

function compareText(
  pattern: string,
  actual: unknown,
  variables: Map<string, unknown>,
  path: string,
): string | undefined {
  const [, name] = PLACEHOLDER.exec(pattern) ?? [];
  if (name === undefined) return same(fillText(pattern, variables), actual, path);
  if (Object.hasOwn(TYPES, name)) {
    return TYPES[name](actual) ? undefined : `${path} is ${show(actual)}; expected <${name}>`;
  }
  if (variables.has(name)) return same(variables.get(name), actual, path);
  if (actual === undefined) return `${path} is absent`;
  variables.set(name, actual);
  return undefined;
}

function compareArray(
  pattern: readonly ScriptValue[],
  actual: unknown,
  variables: Map<string, unknown>,
  path: string,
): string | undefined {
  if (!Array.isArray(actual)) return `${path} is ${show(actual)}, which is not an array`;
  if (actual.length !== pattern.length) {
    return `${path} has ${actual.length} elements; expected ${pattern.length}`;
  }
  for (const [index, item] of pattern.entries()) {
    const mismatch = compare(item, actual[index], variables, `${path}[${index}]`);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function compareSet(
  pattern: readonly ScriptValue[],
  actual: unknown,
  variables: Map<string, unknown>,
  path: string,
): string | undefined {
  if (!Array.isArray(actual) || actual.length !== pattern.length) {
    return `${path} is ${show(actual)}; expected an array with ${pattern.length} elements`;
  }
  const rest = [...(actual as unknown[])];
  for (const item of pattern) {
    const index = rest.findIndex(
      (value) => compare(item, value, new Map(variables), path) === undefined,
    );
    if (index === -1) return `${path} is ${show(actual)}; expected ${show(item)} in it`;
    compare(item, rest.splice(index, 1)[0], variables, path);
  }
  return undefined;
}

function compareUnlike(
  pattern: ScriptValue,
  actual: unknown,
  variables: Variables,
  path: string,
): string | undefined {
  const other = fill(pattern, variables);
  const isDifferent = actual !== undefined && JSON.stringify(other) !== JSON.stringify(actual);
  return isDifferent ? undefined : `${path} is ${show(actual)}; expected another value`;
}

function same(expected: unknown, actual: unknown, path: string): string | undefined {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return undefined;
  return `${path} is ${show(actual)}; expected ${show(expected)}`;
}

/** A value as JSON, shortened, for error messages. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}
