import { MAX_CLOSE_REASON_BYTES } from "../protocol/close-code.ts";

/**
 * "Validate close code and reason" (WHATWG WebSockets).
 *
 * @throws DOMException InvalidAccessError for a code other than 1000 and 3000-4999, SyntaxError for
 *   a reason of more than 123 bytes of UTF-8
 */
export function checkCloseArguments(code: number | undefined, reasonBytes: number): void {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(`close code ${code} is not 1000 or 3000-4999`, "InvalidAccessError");
  }
  if (reasonBytes > MAX_CLOSE_REASON_BYTES) {
    throw new DOMException(
      `close reason of ${reasonBytes} bytes exceeds ${MAX_CLOSE_REASON_BYTES}`,
      "SyntaxError",
    );
  }
}
