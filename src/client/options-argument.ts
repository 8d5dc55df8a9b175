import { UsageError } from "../errors/index.ts";
import { isRecord } from "../protocol/record.ts";

/**
 * Whether an argument of a constructor is a record of options. In the standard the second argument is a
 * subprotocol or a sequence of them. Any other object is our extension.
 */
export { isRecord as isOptions };

/**
 * Merges the second and third argument of a constructor into one record. They are options, or
 * subprotocols and options, as clients written for `ws` pass them.
 *
 * @throws UsageError `INVALID_OPTION` where options or subprotocols are given twice
 */
export function mergeArguments<Options extends { readonly protocols?: unknown }>(
  protocols?: unknown,
  options?: Options | null,
): Options {
  const isFirst = isRecord<Options>(protocols);
  if (options && (isFirst || (protocols && options.protocols)))
    throw new UsageError("INVALID_OPTION", "options twice");
  if (isFirst) return protocols;
  return { ...options!, ...(protocols !== undefined && { protocols }) };
}
