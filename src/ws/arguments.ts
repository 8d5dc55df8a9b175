import { isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "../protocol/close-code.ts";
import { MAX_CONTROL_PAYLOAD_BYTES } from "../protocol/frame-rules.ts";
import { toBytes } from "./messages.ts";

/**
 * Checks the arguments of `close`.
 *
 * @throws TypeError if the code must not be sent; RangeError if the reason is too long
 */
export function checkCloseArguments(code: unknown, reason: string | Buffer | undefined): void {
  if (code === undefined) return;
  if (typeof code !== "number" || !Number.isInteger(code) || !isCloseCodeOnWire(code)) {
    throw new TypeError("First argument must be a valid error code number");
  }
  if (Buffer.byteLength(reason ?? "") > MAX_CLOSE_REASON_BYTES) {
    throw new RangeError(`The message must not be greater than ${MAX_CLOSE_REASON_BYTES} bytes`);
  }
}

/**
 * Converts the payload of `ping` or `pong`.
 *
 * @throws RangeError if it is too long; TypeError if `Buffer.from` does not accept it
 */
export function toControlPayload(data: unknown): Uint8Array {
  const payload = toBytes(data);
  if (payload.length <= MAX_CONTROL_PAYLOAD_BYTES) return payload;
  throw new RangeError(`The data size must not be greater than ${MAX_CONTROL_PAYLOAD_BYTES} bytes`);
}
