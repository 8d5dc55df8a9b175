/**
 * Masking (RFC 6455 5.3). A masking key is one 32-bit integer. Its most significant byte is the first byte
 * on the wire.
 *
 * Masking 32-bit words is several times as fast as masking bytes, and a loop over four words is faster than a
 * loop over one word. Long payloads are aligned, which is three times as fast again. In V8, 64-bit words then halve
 * the time (bench: mask). In JavaScriptCore they take a hundred times as long, because it allocates each BigInt.
 */

import { ArrayViews } from "./array-views.ts";

/** From this length on, aligned words are faster, although the key may need to be a BigInt. */
export const MIN_LONG_BYTES = 512;

/** The views of larger buffers are not cached, so that their memory can be freed. */
const MAX_KEPT_BUFFER_BYTES = 1 << 18;

const HIGH_BITS = 0x80808080;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Masks payloads in place. It caches the views of the latest buffer, because many frames are in one chunk,
 * and many chunks in one buffer.
 */
export class Masker {
  #array: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #views: ArrayViews = new ArrayViews(this.#array.buffer);
  readonly #keyWords = new Int32Array(2);
  readonly #keyQuads = new BigUint64Array(this.#keyWords.buffer);
  readonly #usesBigInts: boolean;

  /** @param usesBigInts whether this runtime masks 64-bit words faster than 32-bit words */
  constructor(usesBigInts: boolean) {
    this.#usesBigInts = usesBigInts;
  }

  /**
   * Returns the views of the buffer of `bytes`. It compares the array first, because accessing the buffer of
   * an array takes longer than masking a short message.
   */
  viewsOf(bytes: Uint8Array): ArrayViews {
    return bytes === this.#array ? this.#views : this.#keepViewsOf(bytes);
  }

  /** Returns the position of `bytes` in its buffer. It is fast directly after `viewsOf(bytes)`. */
  offsetOf(bytes: Uint8Array): number {
    return bytes === this.#array ? this.#offset : bytes.byteOffset;
  }

  #keepViewsOf(bytes: Uint8Array): ArrayViews {
    const { buffer } = bytes;
    const views = buffer === this.#views.buffer ? this.#views : new ArrayViews(buffer);
    if (buffer.byteLength <= MAX_KEPT_BUFFER_BYTES) {
      this.#array = bytes;
      this.#offset = bytes.byteOffset;
      this.#views = views;
    }
    return views;
  }

  /**
   * XORs `bytes[start, end)` with the masking key. Masking and unmasking are the same. `offset` is
   * the position of `start` in the frame's payload.
   */
  mask(bytes: Uint8Array, start: number, end: number, key: number, offset: number): void {
    if (end - start < MIN_LONG_BYTES) this.maskAndTest(bytes, start, end, key, offset);
    else this.#maskLong(bytes, start, end, key, offset);
  }

  #maskLong(bytes: Uint8Array, start: number, end: number, key: number, offset: number): void {
    const views = this.viewsOf(bytes);
    const byteOffset = this.offsetOf(bytes);
    const aligned = start + (-(byteOffset + start) & 7);
    this.maskAndTest(bytes, start, aligned, key, offset);
    const turned = turn(key, offset + aligned - start);
    const from = byteOffset + aligned;
    const to = from + ((end - aligned) & ~31);
    const word = inMemoryOrder(turned);
    if (this.#usesBigInts) this.#maskQuads(views.quads, from >>> 3, to >>> 3, word);
    else maskWords(views.words, from >>> 2, to >>> 2, word);
    this.maskAndTest(bytes, to - byteOffset, end, turned, 0);
  }

  /** Masks a multiple of four quads. The key is read from an array, so that V8 does not allocate a BigInt. */
  #maskQuads(quads: BigUint64Array, start: number, stop: number, word: number): void {
    this.#keyWords.fill(word);
    const quad = this.#keyQuads[0];
    for (let index = start; index < stop; index += 4) {
      quads[index] = quads[index] ^ quad;
      quads[index + 1] = quads[index + 1] ^ quad;
      quads[index + 2] = quads[index + 2] ^ quad;
      quads[index + 3] = quads[index + 3] ^ quad;
    }
  }

  /**
   * Does the same as `mask`, for short payloads. Returns whether all bytes are below 0x80 afterwards: a
   * cheap check that a text message is ASCII.
   */
  maskAndTest(bytes: Uint8Array, start: number, end: number, key: number, offset: number): boolean {
    const { data } = this.viewsOf(bytes);
    const turned = turn(key, offset);
    const word = inMemoryOrder(turned);
    const byteOffset = this.offsetOf(bytes);
    const stop = byteOffset + end;
    let at = byteOffset + start;
    let bits = 0;
    for (; at + 16 <= stop; at += 16) {
      const word0 = data.getInt32(at, IS_LITTLE_ENDIAN) ^ word;
      const word1 = data.getInt32(at + 4, IS_LITTLE_ENDIAN) ^ word;
      const word2 = data.getInt32(at + 8, IS_LITTLE_ENDIAN) ^ word;
      const word3 = data.getInt32(at + 12, IS_LITTLE_ENDIAN) ^ word;
      data.setInt32(at, word0, IS_LITTLE_ENDIAN);
      data.setInt32(at + 4, word1, IS_LITTLE_ENDIAN);
      data.setInt32(at + 8, word2, IS_LITTLE_ENDIAN);
      data.setInt32(at + 12, word3, IS_LITTLE_ENDIAN);
      bits |= word0 | word1 | word2 | word3;
    }
    for (; at + 4 <= stop; at += 4) {
      const masked = data.getInt32(at, IS_LITTLE_ENDIAN) ^ word;
      data.setInt32(at, masked, IS_LITTLE_ENDIAN);
      bits |= masked;
    }
    for (let shift = 24; at < stop; at++, shift -= 8) {
      const masked = data.getUint8(at) ^ ((turned >>> shift) & 0xff);
      data.setUint8(at, masked);
      bits |= masked;
    }
    return (bits & HIGH_BITS) === 0;
  }

  /** Whether `bytes[start, end)` are all below 0x80, for short payloads that are not masked. */
  isShortAscii(bytes: Uint8Array, start: number, end: number): boolean {
    const { data } = this.viewsOf(bytes);
    const offset = this.offsetOf(bytes);
    const stop = offset + end;
    let at = offset + start;
    let bits = 0;
    for (; at + 16 <= stop; at += 16) {
      bits |=
        data.getInt32(at, IS_LITTLE_ENDIAN) |
        data.getInt32(at + 4, IS_LITTLE_ENDIAN) |
        data.getInt32(at + 8, IS_LITTLE_ENDIAN) |
        data.getInt32(at + 12, IS_LITTLE_ENDIAN);
    }
    for (; at + 4 <= stop; at += 4) bits |= data.getInt32(at, IS_LITTLE_ENDIAN);
    for (; at < stop; at++) bits |= data.getUint8(at);
    return (bits & HIGH_BITS) === 0;
  }
}

/**
 * Copies the first `length` bytes of a payload from `source[from]` to `target[to]`, and masks them. `to` MUST
 * be a multiple of four. Up to a few hundred bytes, this single pass is several times as fast as `set`
 * followed by `mask`.
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

/** Masks a multiple of eight words. */
function maskWords(words: Int32Array, start: number, stop: number, word: number): void {
  for (let index = start; index < stop; index += 8) {
    words[index] = words[index] ^ word;
    words[index + 1] = words[index + 1] ^ word;
    words[index + 2] = words[index + 2] ^ word;
    words[index + 3] = words[index + 3] ^ word;
    words[index + 4] = words[index + 4] ^ word;
    words[index + 5] = words[index + 5] ^ word;
    words[index + 6] = words[index + 6] ^ word;
    words[index + 7] = words[index + 7] ^ word;
  }
}

/** Returns the key for the rest of a payload, after its first `byteCount` bytes. */
function turn(key: number, byteCount: number): number {
  const bits = (byteCount & 3) << 3;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

/** Returns the word that has the bytes of the key in memory order, on machines of either byte order. */
function inMemoryOrder(key: number): number {
  if (!IS_LITTLE_ENDIAN) return key | 0;
  return (key << 24) | ((key & 0xff00) << 8) | ((key >>> 8) & 0xff00) | (key >>> 24);
}
