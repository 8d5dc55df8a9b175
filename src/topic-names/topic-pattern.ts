import { UsageError } from "../errors/index.ts";
import { quote } from "../errors/quote.ts";
import { isTopicName, MAX_NAME_LENGTH } from "./topic-name.ts";

/** The maximum length of a param, in UTF-16 code units before the percent-encoding. */
const MAX_PARAM_LENGTH = 128;

/** The names of the params of a pattern: `"room" | "seat"` for `"rooms/:room/seats/:seat"`. */
export type TopicParamName<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `${infer First}/${infer Rest}`
    ? TopicParamName<First> | TopicParamName<Rest>
    : Pattern extends `:${infer Name}`
      ? Name
      : never;

/** The params of a pattern: `{ room: string }` for `"rooms/:room"`. */
export type TopicParams<Pattern extends string> = {
  readonly [Name in TopicParamName<Pattern>]: string;
};

/** A segment of a pattern: the text that it equals, or the name of a param. */
type Segment = { readonly text: string } | { readonly param: string };

const PARAM = /^:([A-Za-z_$][\w$]*)$/;

/**
 * A pattern of topic names, such as `"rooms/:room"`. Slashes separate its segments. A segment that begins
 * with a colon is a param. Any other segment must equal the same segment of the name.
 *
 * In a name, a param is percent-encoded as by `encodeURIComponent`. So each set of params has exactly one
 * name. A name with another encoding of the same params does not match.
 */
export class TopicPattern {
  /** The pattern as it was passed to the constructor. */
  readonly text: string;
  readonly #segments: readonly Segment[];

  /** @throws UsageError `INVALID_TOPIC_PATTERN` */
  constructor(text: string) {
    this.#segments = parse(text);
    this.text = text;
  }

  /** The names of the params, in their order in the pattern. */
  get paramNames(): readonly string[] {
    return this.#segments.flatMap((segment) => ("param" in segment ? [segment.param] : []));
  }

  /** Returns the decoded params of a name, or undefined if it does not match. Never throws. */
  match(name: unknown): Readonly<Record<string, string>> | undefined {
    if (!isTopicName(name)) return undefined;
    const parts = name.split("/");
    if (parts.length !== this.#segments.length) return undefined;
    const params: [string, string][] = [];
    for (const [index, segment] of this.#segments.entries()) {
      if ("text" in segment) {
        if (segment.text !== parts[index]) return undefined;
        continue;
      }
      const value = decodeParam(parts[index]);
      if (value === undefined) return undefined;
      params.push([segment.param, value]);
    }
    return Object.fromEntries(params);
  }

  /** Returns the name with these params. @throws UsageError `INVALID_PARAM`, `INVALID_TOPIC_NAME` */
  format(params: Readonly<Record<string, string>>): string {
    return formatTopicName(this.text, params);
  }

  /** Whether a name exists that both patterns match. */
  overlaps(other: TopicPattern): boolean {
    return (
      this.#segments.length === other.#segments.length &&
      this.#segments.every((segment, index) => canBeEqual(segment, other.#segments[index]))
    );
  }
}

/**
 * Returns the name of the topic with these params. The pattern must be valid; this function does not check
 * it.
 *
 * @throws UsageError `INVALID_PARAM` unless each param is a string of 1 to 128 characters without lone
 *   surrogates
 * @throws UsageError `INVALID_TOPIC_NAME` if the name has more than 256 characters
 */
export function formatTopicName(
  pattern: string,
  params: Readonly<Record<string, string>> = {},
): string {
  const name = pattern.replace(
    /(^|\/):([^/]+)/g,
    (_, slash: string, param: string) =>
      slash +
      encodeURIComponent(
        // Ignores inherited properties.
        check({ ...params }[param], `the param ${param} of ${pattern}`, "INVALID_PARAM"),
      ),
  );
  return check(name, `the name ${pattern}`, "INVALID_TOPIC_NAME", MAX_NAME_LENGTH);
}

/** Returns a text of at most `maxLength` characters. @throws UsageError with `code` */
function check(value: unknown, what: string, code: string, maxLength = MAX_PARAM_LENGTH): string {
  if (isTopicName(value) && value.length <= maxLength) return value;
  throw new UsageError(code, `${what} must be text of 1 to ${maxLength} characters`);
}

/** Returns undefined unless `text` is exactly what `encodeParam` returns for a param. */
function decodeParam(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return isEncodable(value) && encodeURIComponent(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEncodable(value: unknown): value is string {
  return isTopicName(value) && value.length <= MAX_PARAM_LENGTH;
}

function canBeEqual(a: Segment, b: Segment): boolean {
  if ("param" in a) return "param" in b || decodeParam(b.text) !== undefined;
  return "param" in b ? decodeParam(a.text) !== undefined : a.text === b.text;
}

function parse(pattern: unknown): Segment[] {
  if (!isTopicName(pattern)) {
    throw invalid(
      typeof pattern === "string" ? quote(pattern.slice(0, MAX_NAME_LENGTH)) : typeof pattern,
      `a pattern is text of 1 to ${MAX_NAME_LENGTH} characters, such as "rooms/:room"`,
    );
  }
  const segments = pattern.split("/").map((text) => parseSegment(pattern, text));
  const params = segments.flatMap((segment) => ("param" in segment ? [segment.param] : []));
  const twice = params.find((param, index) => params.indexOf(param) !== index);
  if (twice !== undefined) {
    throw invalid(quote(pattern), `it has two params with the name ${twice}; rename one`);
  }
  return segments;
}

function parseSegment(pattern: string, text: string): Segment {
  if (text === "") {
    throw invalid(quote(pattern), "it has an empty segment; remove the extra slash");
  }
  if (!text.startsWith(":")) return { text };
  const param = PARAM.exec(text)?.[1];
  if (param !== undefined) return { param };
  throw invalid(
    quote(pattern),
    `${quote(text)} is not a param; write a colon and an identifier, such as ":room"`,
  );
}

function invalid(shown: string, reason: string): UsageError {
  return new UsageError(
    "INVALID_TOPIC_PATTERN",
    `the topic pattern ${shown} is not valid: ${reason}`,
  );
}
