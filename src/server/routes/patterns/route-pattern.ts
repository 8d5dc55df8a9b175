import { URLPattern } from "urlpattern-polyfill/urlpattern";
import { UsageError } from "../../../errors/index.ts";
import { LinearRegExp } from "./linear-regexp.ts";
import { toPathnameExpression } from "./pathname-expression.ts";

/** The params that a path matched. Optional groups that matched nothing are undefined. */
export type Params = Readonly<Record<string, string | undefined>>;

/** A compiled URL pattern. */
export interface RoutePattern {
  /** Returns the params of `pathname`, or undefined if it does not match. */
  match(pathname: string): Params | undefined;
  /** Whether the pattern has a param without a name, such as a wildcard. */
  readonly hasWildcard: boolean;
}

/** A segment without pattern syntax, which matches only itself. */
const PLAIN_SEGMENT = /^[A-Za-z0-9\-._~!$&',;=@]*$/;
const NAMED_SEGMENT = /^:([A-Za-z_$][A-Za-z0-9_$]*)$/;

const NO_PARAMS: Params = Object.freeze({});

/**
 * Compiles the path of a route. Common paths become a string comparison, or a simple regular expression. All
 * other paths use the slower `LinearRegExp`, because `RegExp` and URLPattern backtrack and could need seconds
 * for a path of 3 KB. Matching always takes time linear in the length of the path.
 *
 * @throws UsageError `INVALID_ROUTE`; the message contains `key`
 */
export function compilePattern(path: string, key: string): RoutePattern {
  const segments = path.slice(1).split("/");
  if (segments.every((segment) => PLAIN_SEGMENT.test(segment) && !isDots(segment))) {
    return { hasWildcard: false, match: (pathname) => (pathname === path ? NO_PARAMS : undefined) };
  }
  return compileSegments(segments) ?? compileLinear(newUrlPattern(path, key).pathname, key);
}

/** Creates the error for an invalid key or value of `routes`. */
export function invalidRoute(key: string, why: string, cause?: unknown): UsageError {
  return new UsageError("INVALID_ROUTE", `the route ${JSON.stringify(key)} is invalid: ${why}`, {
    cause,
  });
}

/** Compiles segments that are plain text or a single param. The last segment may be a wildcard. */
function compileSegments(segments: readonly string[]): RoutePattern | undefined {
  const names: string[] = [];
  let source = "^";
  for (const [index, segment] of segments.entries()) {
    const name = NAMED_SEGMENT.exec(segment)?.[1];
    if (name !== undefined && !names.includes(name)) {
      names.push(name);
      source += "/([^/]+)";
    } else if (segment === "*" && index === segments.length - 1) {
      names.push("0");
      source += "/(.*)";
    } else if (PLAIN_SEGMENT.test(segment) && !isDots(segment)) {
      source += `/${segment.replaceAll(/[$.]/g, "\\$&")}`;
    } else {
      return undefined;
    }
  }
  const expression = new RegExp(`${source}$`, "su");
  return {
    hasWildcard: names.some(isNumber),
    match(pathname) {
      const groups = expression.exec(pathname);
      return groups === null ? undefined : toParams(names, (index) => groups[index + 1]);
    },
  };
}

/**
 * Compiles all other paths: with repeated or optional params, several params in a segment, or expressions.
 */
function compileLinear(pathname: string, key: string): RoutePattern {
  const { source, names } = toPathnameExpression(pathname);
  const expression = newRegExp(source, key);
  return {
    hasWildcard: names.some(isNumber),
    match(path) {
      const groups = expression.exec(path);
      return groups === undefined ? undefined : toParams(names, (index) => groups[index]);
    },
  };
}

function newRegExp(source: string, key: string): LinearRegExp {
  try {
    return new LinearRegExp(source);
  } catch (error) {
    throw invalidRoute(key, `its path is not supported: ${(error as Error).message}`, error);
  }
}

function newUrlPattern(path: string, key: string): URLPattern {
  try {
    return new URLPattern({ pathname: path });
  } catch (error) {
    throw invalidRoute(key, "its path must be a pathname in the syntax of URLPattern", error);
  }
}

function toParams(
  names: readonly string[],
  valueAt: (index: number) => string | undefined,
): Params {
  // No prototype, because a pattern may contain any name.
  const params: Record<string, string | undefined> = Object.create(null);
  for (const [index, name] of names.entries()) {
    const value = valueAt(index);
    params[name] = value === undefined || isNumber(name) ? value : decode(value);
  }
  return params;
}

/** Whether a param is a wildcard. It may contain several segments, so decoding would turn `%2F` into `/`. */
function isNumber(name: string): boolean {
  return name >= "0" && name < ":";
}

/** Decodes percent-encoding. Returns the value unchanged if it is not valid UTF-8. */
function decode(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Whether URLPattern would resolve the segment, as in a URL. */
function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}
