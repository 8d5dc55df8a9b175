import { randomBytes } from "node:crypto";
import { Masker } from "../../../dist/protocol/masking.js";
import type { MicroBench } from "./benches.ts";

const KEY = 0x37fa213d;
const masker = new Masker(true);
const wordMasker = new Masker(false);

export const maskBenches: readonly MicroBench[] = [20, 125, 1024, 16_384].map((byteCount) => {
  // Payloads are rarely aligned to four bytes.
  const bytes = randomBytes(byteCount + 3).subarray(3);
  return {
    name: `mask-${byteCount}`,
    description: `XOR ${byteCount} bytes with the masking key (RFC 6455 5.3)`,
    variants: [
      { name: "byte by byte", operations: 1, run: () => maskByteByByte(bytes) },
      {
        name: "words of 64 bits",
        operations: 1,
        run: () => maskInBigWords(bytes),
      },
      { name: "mask", operations: 1, run: () => masker.mask(bytes, 0, byteCount, KEY, 0) },
      {
        name: "mask without BigInts",
        operations: 1,
        run: () => wordMasker.mask(bytes, 0, byteCount, KEY, 0),
      },
      {
        name: "maskAndTest, for text",
        operations: 1,
        run: () => void masker.maskAndTest(bytes, 0, byteCount, KEY, 0),
      },
    ],
  };
});

const KEY_BYTES = Uint8Array.of(KEY >>> 24, (KEY >>> 16) & 0xff, (KEY >>> 8) & 0xff, KEY & 0xff);

function maskByteByByte(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] ^= KEY_BYTES[at & 3];
}

const BIG_KEY = (BigInt(KEY) << 32n) | BigInt(KEY);

function maskInBigWords(bytes: Uint8Array): void {
  const toWord = -bytes.byteOffset & 7;
  const wordCount = Math.max(0, bytes.length - toWord) >>> 3;
  const start = bytes.byteOffset + toWord;
  const words = new BigUint64Array(bytes.buffer, start, wordCount);
  for (let at = 0; at < words.length; at++) words[at] ^= BIG_KEY;
  for (let at = 0; at < Math.min(toWord, bytes.length); at++) bytes[at] ^= KEY_BYTES[at & 3];
  for (let at = toWord + wordCount * 8; at < bytes.length; at++) bytes[at] ^= KEY_BYTES[at & 3];
}
