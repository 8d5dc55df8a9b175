import { UsageError } from "../../errors/index.ts";
import { CONNECTION_FIELDS } from "../../protocol/handshake/connection-fields.ts";
import { isToken } from "../../protocol/handshake/header-fields.ts";
import {
  checkValue,
  invalidHeader,
  isHandshakeField,
} from "../../protocol/handshake/header-writer.ts";

/** Headers that describe a connection. HTTP/2 forbids them (RFC 9113 8.2.2). */
const RESERVED_FIELDS: readonly string[] = [
  ...CONNECTION_FIELDS,
  "http2-settings",
  "te",
  "trailer",
];

/**
 * The limit in bytes for all names and values together. Above 64 KiB, `node:http2` closes the whole
 * connection, including all other WebSockets on it.
 */
const MAX_BYTES = 32_768;

/** The headers that an application adds to the response that accepts a handshake. */
export class ResponseHeaders extends Headers {
  override append(name: string, value: string): void {
    checkField(name, value);
    super.append(name, value);
  }

  override set(name: string, value: string): void {
    checkField(name, value);
    super.set(name, value);
  }

  /**
   * Returns the current headers. Each `Set-Cookie` is a separate header.
   *
   * @throws UsageError `RESERVED_HEADER` or `INVALID_HEADER` for a header that was added without the checks,
   *   for example by `Headers.prototype.set`, and `INVALID_HEADER` for more than 32,768 bytes in total
   */
  toFields(): ReadonlyArray<readonly [name: string, value: string]> {
    const fields = Array.from(this);
    let byteCount = 0;
    for (const [name, value] of fields) {
      checkField(name, value);
      byteCount += name.length + value.length;
    }
    if (byteCount <= MAX_BYTES) return fields;
    throw new UsageError(
      "INVALID_HEADER",
      `responseHeaders has ${byteCount} bytes, more than ${MAX_BYTES}; set fewer or shorter headers`,
    );
  }
}

/** Whether only the library may set the header with this lower-case name. */
export function isReservedField(name: string): boolean {
  return isHandshakeField(name) || RESERVED_FIELDS.includes(name);
}

function checkField(name: unknown, value: unknown): void {
  const lower = String(name).toLowerCase();
  if (isReservedField(lower)) {
    throw new UsageError(
      "RESERVED_HEADER",
      `responseHeaders cannot set ${lower}, which is part of the opening handshake`,
    );
  }
  if (!isToken(lower)) throw invalidHeader(`${JSON.stringify(lower)} is not a valid field name`);
  checkValue(lower, String(value));
}
