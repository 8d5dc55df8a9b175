import type { ZlibOptions } from "node:zlib";
import type { DeflateContext, DeflateTuning } from "../../../protocol/deflate/codec.ts";

/**
 * The default `memLevel` of zlib. Without context takeover, zlib clears its hash table for each message, and a small
 * table is enough for small messages (bench: deflate).
 */
const MEMORY_LEVEL = 5;

/**
 * The bytes at the end of a sync flush. The sender removes them, and the receiver adds them again (RFC 7692
 * 7.2).
 */
export const FLUSH_TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** An empty last block. If data ends with it and inflates completely, the data was not cut off. */
export const LAST_BLOCK: Uint8Array = Uint8Array.of(0x01, 0x00, 0x00, 0xff, 0xff);

/** The options of a zlib stream that compresses messages. */
export function compressorOptions(
  { windowBits }: DeflateContext,
  level: number,
  { memoryLevel = MEMORY_LEVEL, strategy }: DeflateTuning = {},
): ZlibOptions {
  return { windowBits, level, memLevel: memoryLevel, ...(strategy !== undefined && { strategy }) };
}
