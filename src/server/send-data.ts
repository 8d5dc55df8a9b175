import { UsageError } from "../errors/index.ts";
import { isPool } from "../protocol/message-pool.ts";
import { PreparedMessage } from "../protocol/prepared-message.ts";

/** A message to send: a string as text, or bytes, which are copied before `send` returns. */
export type SendData = string | ArrayBufferLike | ArrayBufferView;

/** Options of one message. */
export interface SendOptions {
  /**
   * Whether to compress the message if the route has `compression`. Pass false for secrets and for
   * data that is compressed already. Default true.
   */
  readonly compress?: boolean;
}

/**
 * Prepares a message for many sockets. It is encoded, compressed and framed once for all of them,
 * except for sockets with `"dedicated"` compression. Bytes are copied.
 *
 * ```ts
 * const message = prepare(JSON.stringify(news), { compress: false });
 * for (const socket of server.sockets) socket.send(message);
 * ```
 *
 * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes.
 */
export function prepare(data: SendData, options?: SendOptions): PreparedMessage {
  // Not `slice`, which returns a view for a Buffer.
  const owned = typeof data === "string" ? data : new Uint8Array(toBytes(data));
  return new PreparedMessage(owned, options?.compress);
}

/** Returns the bytes of `data` without a copy. @throws UsageError `INVALID_DATA` */
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
    `a message is a string, an ArrayBuffer or a view of one, not ${describeValue(data)}`,
  );
}

/** Refuses the `buffer` of a received message, which can hold messages of other peers. */
function wholeBuffer(buffer: ArrayBufferLike): Uint8Array {
  if (!isPool(buffer)) return new Uint8Array(buffer);
  throw new UsageError(
    "INVALID_DATA",
    "this buffer is shared by several messages that were received: send the message itself",
  );
}

/** Whether `data` is a buffer of this or another realm. Some test runners use other realms. */
function isBuffer(data: unknown): data is ArrayBufferLike {
  if (data instanceof ArrayBuffer) return true;
  if (typeof data !== "object" || data === null) return false;
  return (
    hasByteLength(ArrayBuffer.prototype, data) ||
    (typeof SharedArrayBuffer === "function" && hasByteLength(SharedArrayBuffer.prototype, data))
  );
}

/** Whether the getter `byteLength` of `prototype`, which throws for other objects, accepts `data`. */
function hasByteLength(prototype: object, data: object): boolean {
  try {
    Reflect.get(prototype, "byteLength", data);
    return true;
  } catch {
    return false;
  }
}

/** The type of a value that cannot be sent, for an error message. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a value of type ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}
