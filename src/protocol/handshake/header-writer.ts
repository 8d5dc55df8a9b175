import { UsageError } from "../../errors/index.ts";
import { isFieldValue, isToken } from "./header-fields.ts";

/** The caller's header fields: an object, or pairs of name and value, in which a name may occur twice. */
export type HeaderInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

const FRAMING = ["connection", "content-length", "transfer-encoding"];

/** The fields for the framing of a message (RFC 9112 6). Only the writer sets them. */
export function isFramingField(name: string): boolean {
  return FRAMING.includes(name);
}

/** The framing fields and the fields of the opening handshake (RFC 6455 11.3). */
export function isHandshakeField(name: string): boolean {
  return isFramingField(name) || name === "upgrade" || name.startsWith("sec-websocket-");
}

/**
 * Writes the caller's fields as header lines, each with its CRLF. Throws for a name or value that could end a
 * line early or add another field.
 *
 * @param isReserved whether the caller may not set the field of this name, given in lower case.
 * @throws UsageError `INVALID_HEADER` if a name is not a token, or a value is not a string or contains a
 *   control character or one beyond latin-1; `RESERVED_HEADER` if the name is reserved.
 */
export function writeCallerHeaders(
  headers: HeaderInit,
  isReserved: (name: string) => boolean,
): string {
  let lines = "";
  for (const [name, value] of headerPairs(headers)) {
    if (!isToken(name)) throw invalidHeader(`the name ${JSON.stringify(name)} is not a token`);
    if (isReserved(name.toLowerCase())) {
      throw new UsageError(
        "RESERVED_HEADER",
        `the header ${name} cannot be set, because this package sets it itself`,
      );
    }
    lines += `${name}: ${checkValue(name, value)}\r\n`;
  }
  return lines;
}

/** The fields as pairs of name and value. */
export function headerPairs(headers: HeaderInit): Iterable<readonly [string, string]> {
  return Symbol.iterator in headers
    ? (headers as Iterable<readonly [string, string]>)
    : Object.entries(headers);
}

/** @throws UsageError `INVALID_HEADER` unless `value` is allowed in a field's value. */
export function checkValue(name: string, value: string): string {
  if (typeof value === "string" && isFieldValue(value)) return value;
  // The message does not include the value, which may be a secret.
  throw invalidHeader(
    `the value of ${name} must be a string without control characters or characters above U+00FF`,
  );
}

/** The error for a header that cannot be sent. */
export function invalidHeader(why: string): UsageError {
  return new UsageError("INVALID_HEADER", `${why} (RFC 9110 5)`);
}
