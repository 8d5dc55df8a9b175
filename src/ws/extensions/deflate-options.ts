import type { ZlibOptions } from "node:zlib";
import { checkInteger } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import type { DeflateTuning } from "../../protocol/deflate/codec.ts";
import type { DeflateSettings } from "../../protocol/deflate/settings.ts";

/** The options of zlib. `dictionary` has the types of Node.js and of `@types/ws`. */
export type DeflateZlibOptions = Omit<ZlibOptions, "dictionary"> & {
  readonly dictionary?: ZlibOptions["dictionary"] | Buffer[];
};

/** The option `perMessageDeflate`: compression of messages with permessage-deflate (RFC 7692). */
export interface PerMessageDeflateOptions {
  /** Whether the server compresses messages independently of each other. Default: as the peer asks. */
  readonly serverNoContextTakeover?: boolean | undefined;
  /** Whether the client compresses messages independently of each other. Default: as the peer asks. */
  readonly clientNoContextTakeover?: boolean | undefined;
  /**
   * The base-2 logarithm of the server's window in bytes, from 8 to 15. On a server, `false` refuses offers that
   * ask for a limit. Default: as the peer asks.
   */
  readonly serverMaxWindowBits?: number | false | undefined;
  /**
   * The base-2 logarithm of the client's window in bytes, from 8 to 15. On a client, `true` lets the server
   * choose it, and `false` does not. Default: `true` on a client, as the peer asks on a server.
   */
  readonly clientMaxWindowBits?: number | boolean | undefined;
  /**
   * `level`, `memLevel`, `strategy` and `windowBits` are used; `dictionary` is not supported; the other options
   * of zlib have no effect. Default: level 3, memory level 5, window bits 13.
   */
  readonly zlibDeflateOptions?: DeflateZlibOptions | undefined;
  /** Accepted for compatibility. It has no effect, because the window's size is negotiated. */
  readonly zlibInflateOptions?: DeflateZlibOptions | undefined;
  /**
   * The minimum size of a message that is compressed without context takeover, in bytes. With context takeover,
   * every message is compressed. Default: 1,024.
   */
  readonly threshold?: number | undefined;
  /** Accepted for compatibility. It has no effect, because the thread that calls `send` compresses. */
  readonly concurrencyLimit?: number | undefined;
}

/**
 * Translates the options into the settings of this package's compression.
 *
 * @param takesOver whether this side compresses with context takeover
 * @throws UsageError `INVALID_OPTION`
 */
export function deflateSettings(
  options: PerMessageDeflateOptions,
  takesOver: boolean,
): DeflateSettings {
  const { threshold = 1024, zlibDeflateOptions: { level = 3, windowBits = 13 } = {} } = options;
  checkInteger("ws", "perMessageDeflate.threshold", threshold, 0, Number.MAX_SAFE_INTEGER);
  checkInteger("ws", "perMessageDeflate.zlibDeflateOptions.level", level, -1, 9);
  checkInteger("ws", "perMessageDeflate.zlibDeflateOptions.windowBits", windowBits, 8, 15);
  return {
    context: takesOver ? "dedicated" : "shared",
    thresholdBytes: takesOver ? 0 : threshold,
    windowBits,
    level,
  };
}

/**
 * Returns the settings of the compressor that are not negotiated; undefined if the options contain none.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function deflateTuning(options: PerMessageDeflateOptions): DeflateTuning | undefined {
  const { memLevel, strategy, dictionary } = options.zlibDeflateOptions ?? {};
  if (dictionary !== undefined || options.zlibInflateOptions?.dictionary !== undefined) {
    throw new UsageError(
      "INVALID_OPTION",
      "perMessageDeflate: a dictionary of zlib is not supported, because RFC 7692 cannot negotiate it",
    );
  }
  if (memLevel !== undefined)
    checkInteger("ws", "perMessageDeflate.zlibDeflateOptions.memLevel", memLevel, 1, 9);
  if (strategy !== undefined)
    checkInteger("ws", "perMessageDeflate.zlibDeflateOptions.strategy", strategy, 0, 4);
  const isDefault = memLevel === undefined && strategy === undefined;
  return isDefault ? undefined : { memoryLevel: memLevel, strategy };
}

/** Checks all options. @throws UsageError `INVALID_OPTION` */
export function checkDeflateOptions(options: PerMessageDeflateOptions): void {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  if (serverMaxWindowBits !== undefined && serverMaxWindowBits !== false) {
    checkInteger("ws", "perMessageDeflate.serverMaxWindowBits", serverMaxWindowBits, 8, 15);
  }
  if (typeof clientMaxWindowBits !== "boolean" && clientMaxWindowBits !== undefined) {
    checkInteger("ws", "perMessageDeflate.clientMaxWindowBits", clientMaxWindowBits, 8, 15);
  }
  deflateSettings(options, true);
  deflateTuning(options);
}
