/**
 * Masking (RFC 6455 5.3). A masking key is one 32-bit integer whose most significant byte is the
 * first on the wire.
 */

/** Below this many bytes a byte loop is faster than making and aligning a view of words. */
const MIN_BYTES_FOR_WORDS = 48;

/** A view of a larger buffer is not kept, so that it does not hold the buffer's memory. */
const MAX_KEPT_BUFFER_BYTES = 1 << 18;

const HIGH_BITS = 0x80808080;

/**
 * XORs `bytes[start, end)` in place with the masking key; masking and unmasking are the same.
 * `offset` is the position of `start` in the frame's payload. Returns whether all bytes are below
 * 0x80 afterwards: a text message learns here, at no cost, that it is ASCII.
 */
export function mask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  offset: number,
): boolean {
  let at = start;
  let seen = 0;
  // The key as it applies from `at` on; turning it by a byte advances it.
  let turned = turn(key, offset);
  if (end - at >= MIN_BYTES_FOR_WORDS) {
    while (((bytes.byteOffset + at) & 3) !== 0) {
      seen |= bytes[at] = bytes[at] ^ (turned >>> 24);
      turned = turn(turned, 1);
      at++;
    }
    const words = wordsOf(bytes);
    const word = inMemoryOrder(turned);
    let index = (bytes.byteOffset + at) >>> 2;
    const stop = (bytes.byteOffset + end) >>> 2;
    let seenWords = 0;
    // bench: mask. Four words a round: 15 GB/s against 3.5 GB/s byte by byte.
    for (; index + 4 <= stop; index += 4) {
      seenWords |= words[index] = words[index] ^ word;
      seenWords |= words[index + 1] = words[index + 1] ^ word;
      seenWords |= words[index + 2] = words[index + 2] ^ word;
      seenWords |= words[index + 3] = words[index + 3] ^ word;
    }
    for (; index < stop; index++) seenWords |= words[index] = words[index] ^ word;
    if ((seenWords & HIGH_BITS) !== 0) seen = 0x80;
    at = (stop << 2) - bytes.byteOffset;
  }
  const key0 = turned >>> 24;
  const key1 = (turned >>> 16) & 0xff;
  const key2 = (turned >>> 8) & 0xff;
  const key3 = turned & 0xff;
  for (; at + 4 <= end; at += 4) {
    seen |= bytes[at] = bytes[at] ^ key0;
    seen |= bytes[at + 1] = bytes[at + 1] ^ key1;
    seen |= bytes[at + 2] = bytes[at + 2] ^ key2;
    seen |= bytes[at + 3] = bytes[at + 3] ^ key3;
  }
  if (at < end) seen |= bytes[at] = bytes[at] ^ key0;
  if (at + 1 < end) seen |= bytes[at + 1] = bytes[at + 1] ^ key1;
  if (at + 2 < end) seen |= bytes[at + 2] = bytes[at + 2] ^ key2;
  return (seen & 0x80) === 0;
}

/** Whether `bytes[start, end)` are all below 0x80. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  return mask(bytes, start, end, 0, 0);
}

function turn(key: number, byteCount: number): number {
  const bits = (byteCount & 3) << 3;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);

/** The word whose bytes in memory are those of the key, whatever the machine's byte order. */
function inMemoryOrder(key: number): number {
  keyBytes[0] = key >>> 24;
  keyBytes[1] = key >>> 16;
  keyBytes[2] = key >>> 8;
  keyBytes[3] = key;
  return keyWord[0];
}

let lastBuffer: ArrayBufferLike | undefined;
let lastWords: Int32Array = new Int32Array(0);

/** The whole words of the buffer under `bytes`; frames of one chunk share one view. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const buffer = bytes.buffer;
  if (buffer === lastBuffer) return lastWords;
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  if (buffer.byteLength <= MAX_KEPT_BUFFER_BYTES) {
    lastBuffer = buffer;
    lastWords = words;
  }
  return words;
}
