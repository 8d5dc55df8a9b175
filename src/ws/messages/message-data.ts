/** The values of `binaryType`. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";

/**
 * A message as the event `message` passes it. A text message is always a Buffer. With the `binaryType`
 * `"blob"`, a binary message is a Blob. Like the type in `@types/ws`, this type does not include Blobs.
 */
export type RawData = Buffer | ArrayBuffer | Buffer[];

/** A message as a listener of `addEventListener` gets it. A text message is a string. */
export type Data = string | RawData;

/** The data that `send`, `ping` and `pong` accept: all arguments of `Buffer.from`, numbers and Blobs. */
export type SendableData =
  | string
  | number
  | ArrayBufferView
  | ArrayBufferLike
  | Blob
  | readonly unknown[]
  | { valueOf(): ArrayBufferLike | Uint8Array | readonly number[] | string }
  | { [Symbol.toPrimitive](hint: string): string };

/** An empty Buffer, which all WebSockets share. */
export const NO_BYTES: Buffer = Buffer.alloc(0);

export function isBinaryType(value: unknown): value is BinaryType {
  return BINARY_TYPES.includes(value as BinaryType);
}

const BINARY_TYPES: readonly BinaryType[] = ["nodebuffer", "arraybuffer", "fragments", "blob"];

/** Converts a binary message into the type that `binaryType` names. */
export function toBinaryType(message: Uint8Array, binaryType: BinaryType): RawData | Blob {
  const bytes = message as Buffer;
  if (binaryType === "nodebuffer") return bytes;
  if (binaryType === "arraybuffer") return toArrayBuffer(bytes);
  if (binaryType === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
  return bytes.length === 0 ? [] : [bytes];
}

function toArrayBuffer({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  if (byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
}

/** Whether `data` is a Blob, which must be read before it can be sent. */
export function isBlob(data: unknown): data is Blob {
  return typeof data === "object" && data instanceof Blob;
}

/**
 * Converts data into text or bytes. The bytes may share memory with `data`. Like the package `ws`, converts null,
 * undefined and false into no bytes.
 *
 * @throws TypeError if `Buffer.from` does not accept the data
 */
export function toSendable(data: unknown): string | Uint8Array {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (typeof data === "number") return String(data);
  if (data === null || data === undefined || data === false) return NO_BYTES;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return Buffer.from(data as Uint8Array);
}

/** Like `toSendable`, for data that is sent as bytes. */
export function toBytes(data: unknown): Uint8Array {
  const sendable = toSendable(data);
  return typeof sendable === "string" ? Buffer.from(sendable) : sendable;
}

/** Returns the size in bytes of data that cannot be sent because the connection is not open. */
export function byteLengthOf(data: unknown): number {
  if (isBlob(data)) return data.size;
  const sendable = toSendable(data);
  return typeof sendable === "string" ? Buffer.byteLength(sendable) : sendable.length;
}
