import { UsageError } from "../errors/index.ts";
import { checkValue, isHandshakeField } from "../protocol/handshake/header-writer.ts";

/** Connection-specific fields, which HTTP/2 forbids (RFC 9113 8.2.2). */
const CONNECTION_FIELDS: readonly string[] = [
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
];

/** The header fields that an application adds to the response that accepts a handshake. */
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
   * The current fields, with each `Set-Cookie` as a separate field.
   *
   * @throws UsageError `RESERVED_HEADER` or `INVALID_HEADER` for a field that was added past the checks
   */
  toFields(): ReadonlyArray<readonly [name: string, value: string]> {
    const fields = Array.from(this);
    for (const [name, value] of fields) checkField(name, value);
    return fields;
  }
}

/** Whether only the library may set the field of this name, given in lower case. */
export function isReservedField(name: string): boolean {
  return isHandshakeField(name) || CONNECTION_FIELDS.includes(name);
}

function checkField(name: unknown, value: unknown): void {
  const lower = String(name).toLowerCase();
  if (isReservedField(lower)) {
    throw new UsageError(
      "RESERVED_HEADER",
      `responseHeaders cannot set ${lower}: it belongs to the opening handshake`,
    );
  }
  checkValue(lower, String(value));
}
