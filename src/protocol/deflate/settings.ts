import { UsageError } from "../../errors/index.ts";
import { isRecord } from "../record.ts";

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
    throw invalid(where, "compression", options, "a boolean or an object of options");
  }
  const {
    context = defaultContext,
    thresholdBytes = 1024,
    windowBits = 13,
    level = 3,
    ...unknown
  } = options;
  for (const name of Object.keys(unknown)) {
    throw new UsageError("INVALID_OPTION", `${where}: there is no option compression.${name}`);
  }
  if (context !== "shared" && context !== "dedicated") {
    throw invalid(where, "compression.context", context, '"shared" or "dedicated"');
  }
  checkInteger(where, "thresholdBytes", thresholdBytes, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(where, "windowBits", windowBits, 9, 15);
  checkInteger(where, "level", level, 1, 9);
  return { context, thresholdBytes, windowBits, level };
}

function checkInteger(
  where: string,
  name: string,
  value: number,
  least: number,
  most: number,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(where, `compression.${name}`, value, `an integer from ${least} to ${most}`);
}

function invalid(where: string, name: string, value: unknown, expected: string): UsageError {
  const message = `${where}: ${name} is ${String(value)}; it must be ${expected}`;
  return new UsageError("INVALID_OPTION", message);
}
