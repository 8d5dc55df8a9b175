/** What `send`, `ping` and `pong` accept: everything that `Buffer.from` accepts, and numbers. */
export type SendableData =
  | string
  | number
  | Buffer
  | ArrayBufferView
  | ArrayBufferLike
  | Blob
  | readonly number[]
  | { valueOf(): ArrayBufferLike | Uint8Array | readonly number[] | string }
  | { [Symbol.toPrimitive](hint: string): string };

/** Whether `data` is sent as a binary message unless `binary` is set. */
export function isBinaryData(data: SendableData): boolean {
  return typeof data !== "string" && typeof data !== "number";
}

/** Converts data into text or bytes. The bytes may share memory with `data`. */
export function toSendable(data: SendableData): string | Uint8Array {
  if (typeof data === "string") return data;
  if (typeof data === "number") return String(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return Buffer.from(data as Uint8Array);
}
