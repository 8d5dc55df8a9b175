// Imports Buffer, because the global `Buffer` is a getter, which runs at every use.
import { Buffer, constants, isAscii, isUtf8 } from "node:buffer";
import { hash, randomFillSync } from "node:crypto";
import { markAsUntransferable } from "node:worker_threads";
import {
  type EndpointEnvironment,
  withSharedBuffers,
} from "../../protocol/endpoint-environment.ts";
import { paceCollection, USES_V8 } from "./collection-pace.ts";
import { decodeUtf8 } from "./utf8-decoder.ts";

/** Below this size, zero-filled memory costs less than uninitialized memory. */
const MIN_UNSAFE_BYTES = 2048;

/** Implements the environment of the protocol with `Buffer` and `node:crypto`. */
export const nodeProtocolEnvironment: EndpointEnvironment = withSharedBuffers({
  // A text never has more UTF-16 units than bytes in UTF-8.
  maxTextBytes: constants.MAX_STRING_LENGTH,
  hasFastBigInts: USES_V8,
  // A plain Uint8Array, so that messages have the same class in every runtime.
  allocate(byteLength) {
    paceCollection(byteLength);
    return byteLength < MIN_UNSAFE_BYTES
      ? new Uint8Array(byteLength)
      : new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
  },
  allocatePool(byteLength) {
    paceCollection(byteLength);
    // Messages overwrite the whole buffer, except for a few bytes between them, and some bytes at the end.
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

/** Returns a Buffer over the same memory. Bytes from sockets and pools are Buffers already. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
