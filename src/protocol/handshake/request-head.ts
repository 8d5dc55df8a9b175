import { trimWhitespace } from "./header-fields.ts";
import { type HttpHeadLimits, parseRequestLine, type RequestLine } from "./http-head.ts";

/** The head of a request that has come in one piece. */
export interface RequestHead {
  readonly startLine: RequestLine;
  /** name, value, name, value...; latin-1, values without the white space around them. */
  readonly rawHeaders: readonly string[];
  /** Where the bytes after the blank line start. */
  readonly end: number;
}

/**
 * field-line = field-name ":" OWS field-value OWS CRLF (RFC 9112 5). White space around the value is
 * matched as part of it: there must be one way only to match a line, or long ones take quadratic time.
 */
const FIELD_LINE = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/y;

/**
 * Reads the head of a request out of `text`, one character a byte. Undefined where it is not complete,
 * or `HttpHeadReader` would find a fault: what that finds in bytes cut anywhere, this finds in a
 * tenth of the time (0.5 us for six fields). Linear in the head's length.
 */
export function parseRequestHead(
  text: string,
  limits: Required<HttpHeadLimits>,
): RequestHead | undefined {
  const lineEnd = text.indexOf("\r\n");
  if (lineEnd === -1) return undefined;
  const startLine = parseRequestLine(text.slice(0, lineEnd));
  if (startLine === undefined) return undefined;
  const rawHeaders: string[] = [];
  let end = lineEnd + 2;
  FIELD_LINE.lastIndex = end;
  for (let field = FIELD_LINE.exec(text); field !== null; field = FIELD_LINE.exec(text)) {
    rawHeaders.push(field[1], trimWhitespace(field[2]));
    end = FIELD_LINE.lastIndex;
  }
  const isWhole = text.startsWith("\r\n", end);
  end += 2;
  const isWithin = end <= limits.maxHeaderBytes && rawHeaders.length <= 2 * limits.maxHeaderCount;
  return isWhole && isWithin ? { startLine, rawHeaders, end } : undefined;
}
