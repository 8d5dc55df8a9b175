/**
 * Computes the SHA-1 digest of an ASCII string (RFC 3174), for the opening handshake (RFC 6455 4.2.2). The
 * handshake does not depend on the security of SHA-1.
 */
export function sha1(ascii: string): Uint8Array {
  const blocks = paddedWords(ascii);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  for (let at = 0; at < blocks.length; at += 16) {
    schedule.set(blocks.subarray(at, at + 16));
    addBlock(state, schedule);
  }
  const digest = new Uint8Array(20);
  const view = new DataView(digest.buffer);
  state.forEach((word, index) => view.setInt32(index * 4, word));
  return digest;
}

/** RFC 3174 4: the message, a 1 bit, zeros, and the length in bits, in blocks of 16 words. */
function paddedWords(ascii: string): Int32Array {
  const words = new Int32Array(((ascii.length + 8) >> 6) * 16 + 16);
  for (let at = 0; at < ascii.length; at++) {
    words[at >> 2] |= ascii.charCodeAt(at) << (24 - (at & 3) * 8);
  }
  words[ascii.length >> 2] |= 0x80 << (24 - (ascii.length & 3) * 8);
  words[words.length - 1] = ascii.length * 8;
  return words;
}

/** RFC 3174 6.1. The first 16 words of `schedule` are the block. */
function addBlock(state: Int32Array, schedule: Int32Array): void {
  for (let t = 16; t < 80; t++) {
    schedule[t] = rotate(
      schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16],
      1,
    );
  }
  let [a, b, c, d, e] = state;
  for (let t = 0; t < 80; t++) {
    const next =
      (rotate(a, 5) + mix(t, b, c, d) + e + schedule[t] + ROUND_CONSTANTS[(t / 20) | 0]) | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  [a, b, c, d, e].forEach((word, index) => (state[index] += word));
}

const ROUND_CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6] as const;

/** The function f of RFC 3174 5. */
function mix(t: number, b: number, c: number, d: number): number {
  if (t < 20) return (b & c) | (~b & d);
  if (t < 40 || t >= 60) return b ^ c ^ d;
  return (b & c) | (b & d) | (c & d);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
