/**
 * Masking (RFC 6455 5.3). A masking key is one 32-bit integer whose most significant byte is the
 * first on the wire.
 *
 * bench: mask. Several words a round are masked four times as fast as bytes, and 64-bit words twice
 * as fast again, but only if nothing is learnt from them on the way.
 */

import { type ArrayViews, viewsOf } from "./array-views.ts";

/** Below this many bytes a byte loop is faster than looking up and aligning a view of words. */
const MIN_BYTES_FOR_WORDS = 48;

/** From here on 64-bit words pay for the big integer that holds the key. */
const MIN_BYTES_FOR_QUADS = 512;

const HIGH_BITS = 0x80808080;

/**
 * XORs `bytes[start, end)` in place with the masking key; masking and unmasking are the same.
 * `offset` is the position of `start` in the frame's payload.
 */
export function mask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  offset: number,
): void {
  if (end - start < MIN_BYTES_FOR_QUADS) {
    maskAndTest(bytes, start, end, key, offset);
    return;
  }
  const aligned = start + (-(bytes.byteOffset + start) & 7);
  maskAndTest(bytes, start, aligned, key, offset);
  const turned = turn(key, offset + aligned - start);
  keyWords.fill(inMemoryOrder(turned));
  const quad = keyQuads[0];
  const { quads } = viewsOf(bytes);
  let index = (bytes.byteOffset + aligned) >>> 3;
  const stop = index + (((end - aligned) >>> 5) << 2);
  for (; index < stop; index += 4) {
    quads[index] = quads[index] ^ quad;
    quads[index + 1] = quads[index + 1] ^ quad;
    quads[index + 2] = quads[index + 2] ^ quad;
    quads[index + 3] = quads[index + 3] ^ quad;
  }
  maskAndTest(bytes, (stop << 3) - bytes.byteOffset, end, turned, 0);
}

/**
 * As `mask`; returns whether all bytes are below 0x80 afterwards: a text message learns here, at
 * little cost, that it is ASCII.
 */
export function maskAndTest(
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
    const { words } = viewsOf(bytes);
    const word = inMemoryOrder(turned);
    let index = (bytes.byteOffset + at) >>> 2;
    const stop = (bytes.byteOffset + end) >>> 2;
    let seenWords = 0;
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
  return maskAndTest(bytes, start, end, 0, 0);
}

/**
 * Copies `length` bytes, which begin a frame's payload, from `source[from]` to `target[to]`, which
 * MUST be at a whole word, and masks them there. Up to some hundred bytes this one pass is several
 * times as fast as `set` and `mask`.
 */
export function copyMasked(
  source: ArrayViews,
  from: number,
  target: ArrayViews,
  to: number,
  length: number,
  key: number,
): void {
  const { data } = source;
  const { words } = target;
  const word = inMemoryOrder(key);
  let at = from;
  let index = to >>> 2;
  const stop = index + (length >>> 2);
  for (; index + 4 <= stop; index += 4, at += 16) {
    words[index] = data.getInt32(at, IS_LITTLE_ENDIAN) ^ word;
    words[index + 1] = data.getInt32(at + 4, IS_LITTLE_ENDIAN) ^ word;
    words[index + 2] = data.getInt32(at + 8, IS_LITTLE_ENDIAN) ^ word;
    words[index + 3] = data.getInt32(at + 12, IS_LITTLE_ENDIAN) ^ word;
  }
  for (; index < stop; index++, at += 4) {
    words[index] = data.getInt32(at, IS_LITTLE_ENDIAN) ^ word;
  }
  const end = from + length;
  let byteIndex = stop << 2;
  for (let shift = 24; at < end; at++, byteIndex++, shift -= 8) {
    target.bytes[byteIndex] = source.bytes[at] ^ (key >>> shift);
  }
}

function turn(key: number, byteCount: number): number {
  const bits = (byteCount & 3) << 3;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

const keyBytes = new Uint8Array(8);
const keyWords = new Int32Array(keyBytes.buffer);
const keyQuads = new BigUint64Array(keyBytes.buffer);

/** The word whose bytes in memory are those of the key, whatever the machine's byte order. */
function inMemoryOrder(key: number): number {
  keyBytes[0] = key >>> 24;
  keyBytes[1] = key >>> 16;
  keyBytes[2] = key >>> 8;
  keyBytes[3] = key;
  return keyWords[0];
}

const IS_LITTLE_ENDIAN = inMemoryOrder(1) !== 1;
