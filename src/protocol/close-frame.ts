import { UsageError } from "../errors/index.ts";
import { CloseCode, isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "./close-code.ts";
import { type Fault, INVALID_UTF8, invalidCloseCode } from "./frame-rules.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";

/** The contents of a Close frame (RFC 6455 5.5.1). */
export interface CloseFrame {
  /** 1005 if the frame has no code. */
  readonly code: number;
  readonly reason: string;
  /** The bytes of the reason, if they were not validated. */
  readonly reasonBytes?: Uint8Array;
}

type TextCodec = Pick<
  ProtocolEnvironment,
  "allocate" | "decodeUtf8" | "encodeUtf8" | "isUtf8" | "utf8Length"
>;

/**
 * Reads the payload of a Close frame (RFC 6455 5.5.1, 7.1.5, 7.4). The caller MUST have refused a payload of
 * one byte.
 *
 * @param validatesUtf8 whether the reason must be valid UTF-8; default true
 */
export function readCloseFrame(
  payload: Uint8Array,
  codec: TextCodec,
  validatesUtf8 = true,
): CloseFrame | Fault {
  const length = payload.length;
  if (length === 0) return { code: CloseCode.NoStatusReceived, reason: "" };
  const code = (payload[0] << 8) | payload[1];
  if (!isCloseCodeOnWire(code)) return invalidCloseCode(code);
  if (!validatesUtf8) {
    const reasonBytes = payload.subarray(2);
    return { code, reason: codec.decodeUtf8(payload, 2, length), reasonBytes };
  }
  if (!codec.isUtf8(payload, 2, length)) return INVALID_UTF8;
  return { code, reason: codec.decodeUtf8(payload, 2, length) };
}

/**
 * Creates the payload of a Close frame (RFC 6455 5.5.1).
 *
 * @throws {UsageError} `INVALID_CLOSE_CODE` or `INVALID_CLOSE_REASON`
 */
export function closePayload(
  codec: TextCodec,
  code: number | undefined,
  reason: string,
): Uint8Array {
  if (code === undefined && reason === "") return codec.allocate(0);
  if (code === undefined || !isCloseCodeOnWire(code) || !Number.isInteger(code)) {
    throw new UsageError(
      "INVALID_CLOSE_CODE",
      `a Close frame cannot have the code ${code}; use 1000, or 3000 to 4999 (RFC 6455 7.4)`,
    );
  }
  const reasonBytes = codec.utf8Length(reason);
  if (reasonBytes > MAX_CLOSE_REASON_BYTES) {
    throw new UsageError(
      "INVALID_CLOSE_REASON",
      `a close reason of ${reasonBytes} bytes exceeds the limit of ${MAX_CLOSE_REASON_BYTES} (RFC 6455 5.5)`,
    );
  }
  const payload = codec.allocate(2 + reasonBytes);
  payload[0] = code >>> 8;
  payload[1] = code;
  codec.encodeUtf8(reason, payload, 2);
  return payload;
}
