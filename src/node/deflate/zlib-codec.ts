import type { DeflateCodec, DeflateContext } from "../../protocol/deflate/codec.ts";
import { OneShotDeflater, OneShotInflater } from "./one-shot.ts";
import { isPersistentZlibUsable, PersistentDeflater, PersistentInflater } from "./persistent.ts";

/** zlib makes no deflate window below this (RFC 7692 7.1.2 allows 8). */
const MIN_WINDOW_BITS = 9;

/**
 * DEFLATE by the runtime's zlib, synchronously: for messages that is several times cheaper than a
 * stream with its callbacks, and it keeps their order. Where contexts are not taken over, all
 * connections share one compressor for each window and level, and one decompressor.
 *
 * @param usePersistent whether to drive zlib's streams directly, where that works (bench: deflate);
 *   otherwise the public one-shot functions do it
 */
export function createZlibCodec(usePersistent: boolean = isPersistentZlibUsable()): DeflateCodec {
  const Deflater = usePersistent ? PersistentDeflater : OneShotDeflater;
  const Inflater = usePersistent ? PersistentInflater : OneShotInflater;
  const createDeflater = (context: DeflateContext, level: number) => new Deflater(context, level);
  const createInflater = (context: DeflateContext) => new Inflater(context);
  const sharedDeflaters = new Map<string, InstanceType<typeof Deflater>>();
  let sharedInflater: InstanceType<typeof Inflater> | undefined;
  return {
    minWindowBits: MIN_WINDOW_BITS,
    createDeflater(context, level) {
      if (context.takesOver) return createDeflater(context, level);
      const key = `${context.windowBits} ${level}`;
      const shared = sharedDeflaters.get(key) ?? createDeflater(context, level);
      sharedDeflaters.set(key, shared);
      return { deflate: (message) => shared.deflate(message), close() {} };
    },
    createInflater(context) {
      if (context.takesOver) return createInflater(context);
      // One with the largest window restores what was compressed with any.
      const shared = (sharedInflater ??= createInflater({ windowBits: 15, takesOver: false }));
      return {
        inflate: (bytes, start, end, maxBytes) => shared.inflate(bytes, start, end, maxBytes),
        close() {},
      };
    },
  };
}
