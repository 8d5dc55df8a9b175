/** The frame header of RFC 6455 5.2, as bytes. */

/** Two bytes, up to eight bytes of extended length, and four bytes of masking key. */
export const MAX_FRAME_HEADER_BYTES = 14;

/** Returns the size of a header, from its second byte. */
export function frameHeaderBytes(secondByte: number): number {
  const keyBytes = (secondByte & 0x80) >>> 5;
  const length = secondByte & 0x7f;
  return (length < 126 ? 2 : length === 126 ? 4 : 10) + keyBytes;
}

/** Returns the size of the header of a frame with a payload of this size. */
export function frameHeaderBytesFor(payloadBytes: number, isMasked: boolean): number {
  return (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10) + (isMasked ? 4 : 0);
}

/**
 * Writes a header without its masking key at `target[at]`, and returns the position after it. `firstByte`
 * contains FIN, the RSV bits and the opcode.
 */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  firstByte: number,
  payloadBytes: number,
  isMasked: boolean,
): number {
  const maskBit = isMasked ? 0x80 : 0;
  target[at] = firstByte;
  if (payloadBytes < 126) {
    target[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  writeUint32(target, at + 2, Math.floor(payloadBytes / 0x1_0000_0000));
  writeUint32(target, at + 6, payloadBytes >>> 0);
  return at + 10;
}

/** Writes the low 32 bits of `value` in network byte order. */
export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Reads 32 bits in network byte order, as an unsigned number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
