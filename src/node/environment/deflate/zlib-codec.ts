import type {
  DeflateCodec,
  DeflateContext,
  Deflater,
  Inflater,
} from "../../../protocol/deflate/codec.ts";
import { OneShotDeflater, OneShotInflater } from "./one-shot.ts";

/** The smallest window of zlib's deflate (RFC 7692 7.1.2 allows 8). */
const MIN_WINDOW_BITS = 9;

/** Makes the deflaters and inflaters of a codec. */
export interface ZlibStreams {
  createDeflater(context: DeflateContext, level: number): Deflater;
  createInflater(context: DeflateContext): Inflater;
}

/** Uses the public one-shot functions of `node:zlib`. */
export const oneShotZlib: ZlibStreams = {
  createDeflater: (context, level) => new OneShotDeflater(context, level),
  createInflater: (context) => new OneShotInflater(context),
};

/**
 * Compresses by the synchronous functions of `node:zlib`. For messages this is several times cheaper than a
 * stream with callbacks, and it keeps their order. Without context takeover, all connections share one compressor
 * for each window and level, and one decompressor.
 *
 * @param streams default: the public one-shot functions
 */
export function createZlibCodec(streams: ZlibStreams = oneShotZlib): DeflateCodec {
  const sharedDeflaters = new Map<string, Deflater>();
  let sharedInflater: Inflater | undefined;
  return {
    minWindowBits: MIN_WINDOW_BITS,
    createDeflater(context, level) {
      if (context.takesOver) return streams.createDeflater(context, level);
      const key = `${context.windowBits} ${level}`;
      const shared = sharedDeflaters.get(key) ?? unclosable(streams.createDeflater(context, level));
      sharedDeflaters.set(key, shared);
      return shared;
    },
    createInflater(context) {
      if (context.takesOver) return streams.createInflater(context);
      // The largest window restores messages that were compressed with any window.
      sharedInflater ??= unclosable(streams.createInflater({ windowBits: 15, takesOver: false }));
      return sharedInflater;
    },
  };
}

/** Makes `close` do nothing: connections that share a codec close it, and others still use it. */
function unclosable<T extends { close(): void }>(codec: T): T {
  codec.close = () => {};
  return codec;
}
