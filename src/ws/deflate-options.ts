import type { ZlibOptions } from "node:zlib";
import { UsageError } from "../errors/index.ts";
import type { DeflateSettings } from "../protocol/deflate/settings.ts";

/** The option `perMessageDeflate`: compression of messages with permessage-deflate (RFC 7692). */
export interface PerMessageDeflateOptions {
  /** Whether the server compresses messages independently of each other. Default: as the peer asks. */
  readonly serverNoContextTakeover?: boolean | undefined;
  /** Whether the client compresses messages independently of each other. Default: as the peer asks. */
  readonly clientNoContextTakeover?: boolean | undefined;
  /** The base-2 logarithm of the server's window in bytes, from 8 to 15. Default: as the peer asks. */
  readonly serverMaxWindowBits?: number | undefined;
  /**
   * The base-2 logarithm of the client's window in bytes, from 8 to 15. On a client, `true` lets the server
   * choose, and `false` forbids that. Default: `true` on a client, as the peer asks on a server.
   */
  readonly clientMaxWindowBits?: number | boolean | undefined;
  /**
   * `level` and `windowBits` are used; the other options of zlib have no effect. Default: level 3, window
   * bits 13.
   */
  readonly zlibDeflateOptions?: ZlibOptions | undefined;
  /** Accepted for compatibility. It has no effect, because the window's size is negotiated. */
  readonly zlibInflateOptions?: ZlibOptions | undefined;
  /**
   * Without context takeover, messages with fewer bytes are not compressed. With context takeover, every
   * message is compressed. Default: 1,024.
   */
  readonly threshold?: number | undefined;
  /** Accepted for compatibility. It has no effect, because messages are compressed in the thread that sends. */
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
  checkInteger("threshold", threshold, 0, Number.MAX_SAFE_INTEGER);
  checkInteger("zlibDeflateOptions.level", level, -1, 9);
  checkInteger("zlibDeflateOptions.windowBits", windowBits, 8, 15);
  return {
    context: takesOver ? "dedicated" : "shared",
    thresholdBytes: takesOver ? 0 : threshold,
    windowBits,
    // Level 0 of zlib stores without compression, and -1 is its default.
    level: level < 1 ? 3 : level,
  };
}

/** Checks the options that both sides negotiate. @throws UsageError `INVALID_OPTION` */
export function checkDeflateOptions(options: PerMessageDeflateOptions): void {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  if (serverMaxWindowBits !== undefined) {
    checkInteger("serverMaxWindowBits", serverMaxWindowBits, 8, 15);
  }
  if (typeof clientMaxWindowBits !== "boolean" && clientMaxWindowBits !== undefined) {
    checkInteger("clientMaxWindowBits", clientMaxWindowBits, 8, 15);
  }
  deflateSettings(options, true);
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new UsageError(
    "INVALID_OPTION",
    `perMessageDeflate.${name} is ${String(value)}; it must be an integer from ${least} to ${most}`,
  );
}
