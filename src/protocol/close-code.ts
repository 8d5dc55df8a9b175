export { CloseCode } from "../errors/close-code.ts";

/** RFC 6455 5.5 and 5.5.1: a control frame has at most 125 bytes, and two of them are the close code. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Whether a loop over messages ends without an error at this close code. */
export function isExpectedEnd(code: number | undefined): boolean {
  return [1000, 1001, 1005].includes(code!);
}

/**
 * Whether a Close frame may carry `code`: 1000-1014 less the reserved 1004, 1005 and 1006, and
 * 3000-4999 (RFC 6455 7.4.1, 7.4.2).
 */
export function isCloseCodeOnWire(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
