import { UsageError } from "../errors/index.ts";
import { isRecord } from "../errors/record.ts";

/**
 * Whether an argument of a constructor is an object of options. In the standard, the second argument is a
 * subprotocol or a sequence of subprotocols. Any other object is an extension of this package.
 */
export { isRecord as isOptions };

/**
 * Merges the second and third argument of a constructor into one object. They are either options, or
 * subprotocols and options, as in clients that were written for `ws`.
 *
 * @throws UsageError `INVALID_OPTION` if both arguments contain options, or both contain subprotocols
 */
export function mergeArguments<Options extends { readonly protocols?: unknown }>(
  protocols?: unknown,
  options?: Options | null,
): Options {
  const isFirst = isRecord<Options>(protocols);
  if (options && (isFirst || (protocols && options.protocols)))
    throw new UsageError("INVALID_OPTION", "pass options and protocols once");
  if (isFirst) return protocols;
  return { ...options!, ...(protocols !== undefined && { protocols }) };
}
