import { checkInteger, checkNames, checkOneOf, invalidOption } from "../../errors/check-options.ts";
import { isRecord } from "../../errors/record.ts";

/** How to compress messages with permessage-deflate (RFC 7692). */
export interface CompressionOptions {
  /**
   * `"shared"`: messages are compressed independently. All connections share one compressor and one
   * decompressor, so compression needs no memory for each connection.
   *
   * `"dedicated"`: each connection keeps the latest messages that it sent and received as context, which
   * makes similar small messages far smaller. A connection then needs up to 50 KiB of memory to send and 40
   * KiB to receive, each allocated with the first compressed message.
   *
   * Default: `"shared"` on a server, `"dedicated"` on a client.
   */
  readonly context?: "shared" | "dedicated";
  /** Messages with fewer bytes are not compressed. Default: 1,024. */
  readonly thresholdBytes?: number;
  /**
   * The base-2 logarithm of the compression window in bytes, from 9 to 15. Each step doubles the memory of a
   * dedicated context. Default: 13.
   */
  readonly windowBits?: number;
  /** The compression level, from 1 (the fastest) to 9 (the smallest messages). Default: 3. */
  readonly level?: number;
}

/** {@link CompressionOptions} with all defaults filled in. */
export type DeflateSettings = Required<CompressionOptions>;

/**
 * Fills in the defaults. Returns undefined for no compression.
 *
 * @param where the beginning of the error's message
 * @throws UsageError `INVALID_OPTION`
 */
export function resolveCompression(
  compression: boolean | CompressionOptions,
  defaultContext: DeflateSettings["context"],
  where: string,
): DeflateSettings | undefined {
  if (compression === false) return undefined;
  const options = compression === true ? {} : compression;
  if (!isRecord<CompressionOptions>(options)) {
    throw invalidOption(where, "compression", options, "a boolean or an object of options");
  }
  const { context = defaultContext, thresholdBytes = 1024, windowBits = 13, level = 3 } = options;
  checkNames(where, options, NAMES, { of: "compression" });
  checkOneOf(where, "compression.context", context, ["shared", "dedicated"]);
  checkInteger(where, "compression.thresholdBytes", thresholdBytes, 0);
  checkInteger(where, "compression.windowBits", windowBits, 9, 15);
  checkInteger(where, "compression.level", level, 1, 9);
  return { context, thresholdBytes, windowBits, level };
}

const NAMES = ["context", "thresholdBytes", "windowBits", "level"] as const satisfies ReadonlyArray<
  keyof CompressionOptions
>;
