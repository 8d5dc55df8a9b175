// Also Buffer itself: the global of that name is looked up, and called, at every use.
import { Buffer, constants, isAscii, isUtf8 } from "node:buffer";
import { hash, randomFillSync } from "node:crypto";
import { markAsUntransferable } from "node:worker_threads";
import {
  type EndpointEnvironment,
  withSharedBuffers,
} from "../../protocol/endpoint-environment.ts";
import { decodeUtf8 } from "./utf8-decoder.ts";

/** Below this, filling memory with zeroes costs less than asking for some that is not. */
const MIN_UNSAFE_BYTES = 2048;

/** The protocol's needs by way of Node's Buffer and crypto. */
export const nodeProtocolEnvironment: EndpointEnvironment = withSharedBuffers({
  // No text has more UTF-16 units than it has bytes.
  maxTextBytes: constants.MAX_STRING_LENGTH,
  // No Buffer, though it comes from there: what a message is does not depend on the runtime.
  allocate: (byteLength) =>
    byteLength < MIN_UNSAFE_BYTES
      ? new Uint8Array(byteLength)
      : new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer),
  allocatePool(byteLength) {
    // Messages overwrite all of it but a few bytes between them, and a part of the last piece.
    const { buffer } = Buffer.allocUnsafeSlow(byteLength);
    markAsUntransferable(buffer);
    return buffer;
  },
  isAscii: (bytes, start, end) => isAscii(bytes.subarray(start, end)),
  decodeAscii: (bytes, start, end) => asBuffer(bytes).toString("latin1", start, end),
  decodeUtf8: (bytes, start, end) => decodeUtf8(asBuffer(bytes), start, end),
  isUtf8: (bytes, start, end) => isUtf8(bytes.subarray(start, end)),
  utf8Length: (text) => Buffer.byteLength(text),
  encodeUtf8: (text, target, offset) =>
    asBuffer(target).write(text, offset, target.length - offset, "utf8"),
  fillRandom: (bytes) => {
    randomFillSync(bytes);
  },
  sha1Base64: (ascii) => hash("sha1", ascii, "base64"),
});

/** Sockets and pools hand out Buffers; what comes from elsewhere is viewed as one. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
