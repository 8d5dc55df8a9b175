import { isUint8Array } from "node:util/types";
import { isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "../../protocol/close-code.ts";
import { MAX_CONTROL_PAYLOAD_BYTES } from "../../protocol/frame-rules.ts";
import { toBytes } from "./message-data.ts";

/** The options of `send`. */
export interface SendOptions {
  /** Whether the message is binary. Default: false for a string or a number, and true for everything else. */
  readonly binary?: boolean | undefined;
  /** Whether to compress the message if compression was negotiated. Default: true. */
  readonly compress?: boolean | undefined;
  /** Whether this is the last fragment of the message. Default: true. */
  readonly fin?: boolean | undefined;
  /** Whether to mask the frame. Default: true on a client, false on a server. */
  readonly mask?: boolean | undefined;
}

/**
 * Checks the arguments of `close`, and returns the reason as text, which is empty without a code.
 *
 * @throws TypeError if the code must not be sent, or the reason is neither a string nor a Uint8Array; RangeError if the
 *   reason is too long
 */
export function readCloseReason(code: unknown, reason: unknown): string {
  if (code === undefined) return "";
  if (typeof code !== "number" || !Number.isInteger(code) || !isCloseCodeOnWire(code)) {
    throw new TypeError("First argument must be a valid error code number");
  }
  const text = textOf(reason);
  if (Buffer.byteLength(text) > MAX_CLOSE_REASON_BYTES) {
    throw new RangeError(`The message must not be greater than ${MAX_CLOSE_REASON_BYTES} bytes`);
  }
  return text;
}

function textOf(reason: unknown): string {
  if (reason === undefined) return "";
  if (typeof reason === "string") return reason;
  if (isUint8Array(reason)) {
    return Buffer.from(reason.buffer, reason.byteOffset, reason.byteLength).toString();
  }
  throw new TypeError("Second argument must be a string or a Uint8Array");
}

/**
 * Converts the payload of `ping` or `pong`.
 *
 * @throws RangeError if it is too long; TypeError if `Buffer.from` does not accept it
 */
export function toControlPayload(data: unknown): Uint8Array {
  const payload = toBytes(data);
  checkControlBytes(payload.length);
  return payload;
}

/** Checks the size of a payload of `ping` or `pong`. @throws RangeError if it is too large */
export function checkControlBytes(byteLength: number): void {
  if (byteLength <= MAX_CONTROL_PAYLOAD_BYTES) return;
  throw new RangeError(`The data size must not be greater than ${MAX_CONTROL_PAYLOAD_BYTES} bytes`);
}
