import type { WebSocketData } from "./web-socket-interface.ts";

/** The argument of `send`. The bytes still belong to the caller. */
export type Message = string | Uint8Array | Blob;

const NO_BYTES = new Uint8Array(0);

/**
 * Web IDL's conversion to `(BufferSource or Blob or USVString)`. Any other value, including a
 * SharedArrayBuffer, becomes a string. The encoder later replaces lone surrogates.
 *
 * @throws TypeError for a symbol, and for bytes that are shared or in a resizable buffer
 */
export function toMessage(data: WebSocketData): Message {
  if (typeof data === "string") return data;
  if (ArrayBuffer.isView(data)) return bytesOf(data.buffer, data.byteOffset, data.byteLength);
  if (isArrayBuffer(data)) return bytesOf(data, 0, data.byteLength);
  if (isBlob(data)) return data;
  return `${data as string}`;
}

/** Whether `value` is a Blob of any realm. An emulated DOM, such as jsdom, has its own Blob class. */
export function isBlob(value: unknown): value is Blob {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  if (value instanceof Blob) return true;
  const tag = Object.prototype.toString.call(value);
  const { size, slice } = value as Partial<Blob>;
  const hasBlobTag = tag === "[object Blob]" || tag === "[object File]";
  return hasBlobTag && typeof size === "number" && typeof slice === "function";
}

/** Reads the bytes of a Blob. The Blobs of some emulated DOMs can be read only with a FileReader. */
export async function readBlob(blob: Blob): Promise<Uint8Array> {
  if (typeof blob.arrayBuffer === "function") return new Uint8Array(await blob.arrayBuffer());
  return await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(new Uint8Array(reader.result as ArrayBuffer)));
    reader.addEventListener("error", () => reject(reader.error ?? new Error("unreadable")));
    reader.readAsArrayBuffer(blob);
  });
}

function bytesOf(buffer: ArrayBufferLike, offset: number, byteLength: number): Uint8Array {
  if (!isArrayBuffer(buffer))
    throw new TypeError("a view of shared memory cannot be sent; send a copy of the bytes");
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw new TypeError("bytes in a resizable buffer cannot be sent; send a copy of the bytes");
  }
  // A detached buffer counts as empty, because creating a view of it would throw.
  return byteLength === 0 ? NO_BYTES : new Uint8Array(buffer, offset, byteLength);
}

/** Whether `value` is an ArrayBuffer, of any realm, and not a SharedArrayBuffer. */
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (value instanceof ArrayBuffer) return true;
  if (typeof value !== "object" || value === null) return false;
  try {
    // The getter throws for any other value.
    Reflect.get(ArrayBuffer.prototype, "byteLength", value);
    return true;
  } catch {
    return false;
  }
}
