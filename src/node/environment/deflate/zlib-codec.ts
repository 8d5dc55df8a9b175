import type {
  DeflateCodec,
  Deflater as CodecDeflater,
  Inflater as CodecInflater,
} from "../../../protocol/deflate/codec.ts";
import { OneShotDeflater, OneShotInflater } from "./one-shot.ts";
import {
  isPersistentZlibUsable,
  PersistentDeflater,
  PersistentInflater,
} from "../../internals/deflate/persistent.ts";

/** zlib makes no deflate window below this (RFC 7692 7.1.2 allows 8). */
const MIN_WINDOW_BITS = 9;

/**
 * DEFLATE by the runtime's zlib, synchronously: for messages that is several times cheaper than a
 * stream with its callbacks, and it keeps their order. Where contexts are not taken over, all
 * connections share one compressor for each window and level, and one decompressor.
 *
 * @param usePersistent whether to drive zlib's streams directly, where that works (bench: deflate);
 *   otherwise the public one-shot functions do it. Default: if a check, made when there is something
 *   to compress for the first time, finds that it works.
 */
export function createZlibCodec(usePersistent?: boolean): DeflateCodec {
  const isPersistent = (): boolean => (usePersistent ??= isPersistentZlibUsable());
  const sharedDeflaters = new Map<string, CodecDeflater>();
  let sharedInflater: CodecInflater | undefined;
  return {
    minWindowBits: MIN_WINDOW_BITS,
    createDeflater(context, level) {
      const Deflater = isPersistent() ? PersistentDeflater : OneShotDeflater;
      if (context.takesOver) return new Deflater(context, level);
      const key = `${context.windowBits} ${level}`;
      const shared = sharedDeflaters.get(key) ?? unclosable(new Deflater(context, level));
      sharedDeflaters.set(key, shared);
      return shared;
    },
    createInflater(context) {
      const Inflater = isPersistent() ? PersistentInflater : OneShotInflater;
      if (context.takesOver) return new Inflater(context);
      // One with the largest window restores what was compressed with any.
      sharedInflater ??= unclosable(new Inflater({ windowBits: 15, takesOver: false }));
      return sharedInflater;
    },
  };
}

/** What is shared outlives the connection that closes it. */
function unclosable<T extends { close(): void }>(codec: T): T {
  codec.close = () => {};
  return codec;
}
