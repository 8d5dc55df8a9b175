import { Buffer } from "node:buffer";

/** The runtime decodes longer texts, so that this class keeps no larger scratch memory. */
const MAX_UNITS = 16_384;

/** The runtime decodes shorter texts too: for them, making a string of units costs as much. */
const MIN_BYTES = 32;

/** The runtime makes strings only of units in this byte order. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const units = new Uint16Array(MAX_UNITS);
const unitBytes: Buffer = Buffer.from(units.buffer);
const latin1Bytes: Buffer = Buffer.allocUnsafeSlow(MAX_UNITS);

/**
 * Decodes `bytes[start, end)`, which MUST be valid UTF-8 (bench: utf8). The decoder of Node.js 20 converts
 * each character outside of compiled code. For Chinese or Cyrillic text this function is three to four
 * times as fast.
 */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  const isForRuntime = length < MIN_BYTES || length > MAX_UNITS || !IS_LITTLE_ENDIAN;
  if (isForRuntime) return bytes.toString("utf8", start, end);
  let count = 0;
  let bits = 0;
  let at = start;
  while (at < end) {
    const first = bytes[at++];
    if (first < 0x80) {
      units[count++] = first;
    } else if (first < 0xe0) {
      const unit = ((first & 0x1f) << 6) | (bytes[at++] & 0x3f);
      units[count++] = unit;
      bits |= unit;
    } else if (first < 0xf0) {
      const unit = ((first & 0x0f) << 12) | ((bytes[at] & 0x3f) << 6) | (bytes[at + 1] & 0x3f);
      at += 2;
      units[count++] = unit;
      bits |= unit;
    } else {
      const codePoint =
        ((first & 0x07) << 18) |
        ((bytes[at] & 0x3f) << 12) |
        ((bytes[at + 1] & 0x3f) << 6) |
        (bytes[at + 2] & 0x3f);
      at += 3;
      units[count++] = 0xd7c0 + (codePoint >>> 10);
      units[count++] = 0xdc00 | (codePoint & 0x3ff);
      bits = 0xffff;
    }
  }
  return bits > 0xff ? unitBytes.toString("utf16le", 0, count * 2) : narrow(count);
}

/** Decodes Latin-1 units into a string that uses one byte per character. */
function narrow(count: number): string {
  for (let at = 0; at < count; at++) latin1Bytes[at] = units[at];
  return latin1Bytes.toString("latin1", 0, count);
}
