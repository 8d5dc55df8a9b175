import type {
  DeflateCodec,
  DeflateContext,
  Deflater,
  DeflateTuning,
  Inflater,
} from "../../../protocol/deflate/codec.ts";
import { OneShotDeflater, OneShotInflater } from "./one-shot.ts";

/** The smallest `windowBits` that zlib's deflate supports (RFC 7692 7.1.2 also allows 8). */
const MIN_WINDOW_BITS = 9;

/** Creates the deflaters and inflaters of a codec. */
export interface ZlibStreams {
  createDeflater(context: DeflateContext, level: number, tuning?: DeflateTuning): Deflater;
  createInflater(context: DeflateContext): Inflater;
}

/** Uses the public one-shot functions of `node:zlib`. */
export const oneShotZlib: ZlibStreams = {
  createDeflater: (context, level, tuning) => new OneShotDeflater(context, level, tuning),
  createInflater: (context) => new OneShotInflater(context),
};

/**
 * Creates a codec that uses the synchronous functions of `node:zlib`. For messages, they are several times
 * cheaper than a stream with callbacks, and they keep the order of messages. Without context takeover, all
 * connections share one compressor for each window, level and tuning, and one decompressor.
 *
 * @param streams default: the public one-shot functions
 */
export function createZlibCodec(streams: ZlibStreams = oneShotZlib): DeflateCodec {
  const sharedDeflaters = new Map<string, Deflater>();
  let sharedInflater: Inflater | undefined;
  return {
    minWindowBits: MIN_WINDOW_BITS,
    createDeflater(context, level, tuning) {
      if (context.takesOver) return streams.createDeflater(context, level, tuning);
      const key = `${context.windowBits} ${level} ${tuning?.memoryLevel} ${tuning?.strategy}`;
      const shared =
        sharedDeflaters.get(key) ?? unclosable(streams.createDeflater(context, level, tuning));
      sharedDeflaters.set(key, shared);
      return shared;
    },
    createInflater(context) {
      if (context.takesOver) return streams.createInflater(context);
      // With the largest window, it can decompress messages that were compressed with any window.
      sharedInflater ??= unclosable(streams.createInflater({ windowBits: 15, takesOver: false }));
      return sharedInflater;
    },
  };
}

/** Disables `close`: each connection closes its codec, but other connections still use a shared one. */
function unclosable<T extends { close(): void }>(codec: T): T {
  codec.close = () => {};
  return codec;
}
