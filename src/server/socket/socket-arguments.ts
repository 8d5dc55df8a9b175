import { UsageError } from "../../errors/index.ts";
import { CloseCode, isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "../../protocol/close-code.ts";
import { MAX_CONTROL_PAYLOAD_BYTES } from "../../protocol/frame-rules.ts";
import { describeValue, type SendData, toBytes } from "./message-data.ts";

/** @throws UsageError `INVALID_DATA`, or `CONTROL_TOO_BIG` above 125 bytes */
export function toPingPayload(data: SendData): Uint8Array {
  const bytes = typeof data === "string" ? encoder.encode(data) : toBytes(data);
  if (bytes.byteLength <= MAX_CONTROL_PAYLOAD_BYTES) return bytes;
  throw new UsageError(
    "CONTROL_TOO_BIG",
    `a ping of ${bytes.byteLength} bytes exceeds the limit of ${MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 5.5)`,
  );
}

/** @throws UsageError `INVALID_CLOSE_CODE` or `INVALID_CLOSE_REASON` */
export function checkCloseArguments(code: number, reason: string): void {
  if (!isCloseCodeOnWire(code) || !Number.isInteger(code)) {
    throw new UsageError(
      "INVALID_CLOSE_CODE",
      `a Close frame cannot have the code ${String(code)}; use 1000, or 3000 to 4999 (RFC 6455 7.4)`,
    );
  }
  // RFC 6455 7.4.1: a client sends 1010 to name the extensions that it needs.
  if (code === CloseCode.MandatoryExtension) {
    throw new UsageError(
      "INVALID_CLOSE_CODE",
      "only a client may send the close code 1010 (RFC 6455 7.4.1)",
    );
  }
  if (typeof reason !== "string") {
    throw new UsageError(
      "INVALID_CLOSE_REASON",
      `a close reason must be a string, not ${describeValue(reason)}`,
    );
  }
  const byteLength = reason.length === 0 ? 0 : encoder.encode(reason).byteLength;
  if (byteLength > MAX_CLOSE_REASON_BYTES) {
    throw new UsageError(
      "INVALID_CLOSE_REASON",
      `a close reason of ${byteLength} bytes exceeds the limit of ${MAX_CLOSE_REASON_BYTES} (RFC 6455 5.5)`,
    );
  }
}

/** @throws UsageError `INVALID_LISTENER` unless `onMessage` and the callbacks in `options` are functions */
export function checkListener(onMessage: unknown, options: unknown): void {
  if (typeof onMessage !== "function") {
    throw new UsageError(
      "INVALID_LISTENER",
      `listen: onMessage must be a function, not ${describeValue(onMessage)}`,
    );
  }
  if (typeof options !== "object" || options === null) {
    throw new UsageError(
      "INVALID_LISTENER",
      `listen: the options must be an object, not ${describeValue(options)}`,
    );
  }
  const { onDone, onError } = options as Partial<Record<"onDone" | "onError", unknown>>;
  for (const [name, callback] of Object.entries({ onDone, onError })) {
    if (callback === undefined || typeof callback === "function") continue;
    throw new UsageError(
      "INVALID_LISTENER",
      `listen: ${name} must be a function, not ${describeValue(callback)}`,
    );
  }
}

const encoder = new TextEncoder();
