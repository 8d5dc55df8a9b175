import { UsageError } from "../../errors/index.ts";
import { isPool } from "../../protocol/message-pool.ts";
import { PreparedMessage } from "../../protocol/prepared-message.ts";

/**
 * A message to send: a string becomes a text message, and bytes become a binary message. `send` copies bytes
 * before it returns.
 */
export type SendData = string | ArrayBufferLike | ArrayBufferView;

/** Options for sending one message. */
export interface SendOptions {
  /**
   * Whether to compress the message if the route has `compression`. Pass `false` for secrets, and for
   * data that is compressed already. Default: `true`.
   */
  readonly compress?: boolean;
}

/**
 * Prepares a message to broadcast it to many sockets. The server encodes, compresses and frames the message
 * once for all of them. For sockets with `"dedicated"` compression, it compresses and frames the message
 * separately. Bytes are copied.
 *
 * @example
 * ```ts
 * const message = prepare(JSON.stringify(news), { compress: false });
 * for (const socket of server.sockets) socket.send(message);
 * ```
 *
 * @throws UsageError `INVALID_DATA` if `data` is neither a string nor bytes
 */
export function prepare(data: SendData, options?: SendOptions): PreparedMessage {
  // Not `slice`, which returns a view for a Buffer.
  const owned = typeof data === "string" ? data : new Uint8Array(toBytes(data));
  return new PreparedMessage(owned, options?.compress);
}

/** Returns the bytes of `data` without copying them. @throws UsageError `INVALID_DATA` */
export function toBytes(data: Exclude<SendData, string>): Uint8Array {
  if (data instanceof Uint8Array) return data;
  try {
    if (ArrayBuffer.isView(data)) {
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
    if (isBuffer(data)) return wholeBuffer(data);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      "INVALID_DATA",
      "the buffer of these bytes is detached; send them before you transfer the buffer",
      { cause },
    );
  }
  throw new UsageError(
    "INVALID_DATA",
    `a message must be a string, an ArrayBuffer or a view of one, not ${describeValue(data)}${adviceFor(data)}`,
  );
}

/** Refuses the `buffer` of a received message, which can contain messages of other peers. */
function wholeBuffer(buffer: ArrayBufferLike): Uint8Array {
  if (!isPool(buffer)) return new Uint8Array(buffer);
  throw new UsageError(
    "INVALID_DATA",
    "several received messages share this buffer; send the message itself, not its buffer",
  );
}

/** Whether `data` is a buffer, of this realm or another. Some test runners use other realms. */
function isBuffer(data: unknown): data is ArrayBufferLike {
  if (data instanceof ArrayBuffer) return true;
  if (typeof data !== "object" || data === null) return false;
  return (
    hasByteLength(ArrayBuffer.prototype, data) ||
    (typeof SharedArrayBuffer === "function" && hasByteLength(SharedArrayBuffer.prototype, data))
  );
}

/** Whether the getter `byteLength` of `prototype` accepts `data`. It throws for other objects. */
function hasByteLength(prototype: object, data: object): boolean {
  try {
    Reflect.get(prototype, "byteLength", data);
    return true;
  } catch {
    return false;
  }
}

function adviceFor(data: unknown): string {
  if (data instanceof Promise) return "; await it first";
  const isPlain = Array.isArray(data) || (data as object | null)?.constructor === Object;
  return isPlain ? "; to send it as JSON, pass JSON.stringify(value)" : "";
}

/** Describes the type of a value in an error message. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a value of type ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}
