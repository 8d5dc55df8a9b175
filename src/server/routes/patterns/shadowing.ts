import { NAMED_PARAM } from "./pathname-expression.ts";

/**
 * Whether a route for the path `earlier` matches every path that `later` matches, so that the later route
 * never answers. It compares paths that consist of plain segments and params, with an optional wildcard at
 * the end. For all other patterns, it returns true only if they are equal except for the names of their
 * params.
 */
export function shadows(earlier: string, later: string): boolean {
  if (withoutNames(earlier) === withoutNames(later)) return true;
  const segments = later.split("/");
  if (!segments.every(isOneSegment)) return earlier === "/*";
  const covering = earlier.split("/");
  if (covering.at(-1) === "*") {
    covering.pop();
    if (segments.length <= covering.length) return false;
    segments.length = covering.length;
  }
  return (
    segments.length === covering.length &&
    covering.every((segment, index) => covers(segment, segments[index]))
  );
}

/** A segment of literal text and named params. It matches exactly one segment of a path. */
const ONE_SEGMENT = /^[^{}()*+?\\]*$/;
const NAME = new RegExp(NAMED_PARAM, "gu");
const WHOLE_PARAM = new RegExp(`^${NAMED_PARAM}$`, "u");

function isOneSegment(segment: string, index: number, all: readonly string[]): boolean {
  return ONE_SEGMENT.test(segment) || (segment === "*" && index === all.length - 1);
}

function covers(earlier: string, later: string): boolean {
  if (later === "*") return false;
  // A param matches any non-empty segment.
  if (WHOLE_PARAM.test(earlier)) return later !== "";
  return withoutNames(earlier) === withoutNames(later) && ONE_SEGMENT.test(earlier);
}

function withoutNames(path: string): string {
  return path.replaceAll(NAME, ":");
}
