import { UsageError } from "../errors/index.ts";
import { CloseCode, isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "../protocol/close-code.ts";
import { isPool } from "../protocol/message-pool.ts";
import { PreparedMessage } from "../protocol/prepared-message.ts";

/** What can be sent: text, or bytes in any of their forms. They are copied before `send` returns. */
export type SendData = string | ArrayBufferLike | ArrayBufferView;

/** How to send a message. */
export interface SendOptions {
  /**
   * False sends the message as it is where the route has `compression`: for what is secret, or is
   * compressed already. Default true.
   */
  readonly compress?: boolean;
}

/**
 * Makes a message to be sent to many sockets: it is encoded, compressed and framed once for all of
 * them, but for those whose compression has a context of its own. Bytes are copied.
 *
 * ```ts
 * const message = prepare(JSON.stringify(news), { compress: false });
 * for (const socket of server.sockets) socket.send(message);
 * ```
 *
 * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes.
 */
export function prepare(data: SendData, { compress }: SendOptions = {}): PreparedMessage {
  // Not `slice`, by which a Buffer makes a view.
  const owned = typeof data === "string" ? data : new Uint8Array(toBytes(data));
  return new PreparedMessage(owned, compress);
}

/** RFC 6455 5.5: control frames carry at most this much. */
const MAX_PING_BYTES = 125;

/** The bytes of `data`, not copied. @throws UsageError `INVALID_DATA` */
export function toBytes(data: Exclude<SendData, string>): Uint8Array {
  if (data instanceof Uint8Array) return data;
  try {
    if (ArrayBuffer.isView(data)) {
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
    if (isBuffer(data)) return wholeBuffer(data);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError("INVALID_DATA", "the bytes have been detached from their buffer", {
      cause,
    });
  }
  throw new UsageError(
    "INVALID_DATA",
    `a message is a string, an ArrayBuffer or a view of one, not ${describe(data)}`,
  );
}

/** @throws UsageError `INVALID_DATA`, or `PING_TOO_BIG` above 125 bytes */
export function toPingPayload(data: SendData): Uint8Array {
  const bytes = typeof data === "string" ? encoder.encode(data) : toBytes(data);
  if (bytes.byteLength <= MAX_PING_BYTES) return bytes;
  throw new UsageError(
    "PING_TOO_BIG",
    `a ping of ${bytes.byteLength} bytes exceeds ${MAX_PING_BYTES} (RFC 6455 5.5)`,
  );
}

/** @throws UsageError `INVALID_CLOSE_CODE` or `INVALID_CLOSE_REASON` */
export function checkCloseArguments(code: number, reason: string): void {
  if (!isCloseCodeOnWire(code) || !Number.isInteger(code)) {
    throw new UsageError(
      "INVALID_CLOSE_CODE",
      `no Close frame may carry the code ${String(code)} (RFC 6455 7.4)`,
    );
  }
  // RFC 6455 7.4.1: a server has no use for 1010, by which a client says what it misses.
  if (code === CloseCode.MandatoryExtension) {
    throw new UsageError("INVALID_CLOSE_CODE", "the code 1010 is for clients (RFC 6455 7.4.1)");
  }
  if (typeof reason !== "string") {
    throw new UsageError("INVALID_CLOSE_REASON", `a reason is a string, not ${describe(reason)}`);
  }
  const byteLength = reason.length === 0 ? 0 : encoder.encode(reason).byteLength;
  if (byteLength > MAX_CLOSE_REASON_BYTES) {
    throw new UsageError(
      "INVALID_CLOSE_REASON",
      `a reason of ${byteLength} bytes exceeds ${MAX_CLOSE_REASON_BYTES} (RFC 6455 5.5)`,
    );
  }
}

/** Sending all that a received message's `buffer` holds would give other peers' messages away. */
function wholeBuffer(buffer: ArrayBufferLike): Uint8Array {
  if (!isPool(buffer)) return new Uint8Array(buffer);
  throw new UsageError(
    "INVALID_DATA",
    "this buffer is shared by several messages that were received: send the message itself",
  );
}

const encoder = new TextEncoder();

function isBuffer(data: unknown): data is ArrayBufferLike {
  return (
    data instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer === "function" && data instanceof SharedArrayBuffer)
  );
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a value of type ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}
