import { isInstance } from "../../schema/values.ts";
import type { ErrorFields } from "../wire/frames.ts";
import { Failure } from "./refusals.ts";

/**
 * The error for the client if `error` is the result of `fail` with a code that the contract declares;
 * otherwise undefined. Its data must be valid JSON, or bytes.
 */
export function declaredError(
  error: unknown,
  declared: ReadonlySet<string>,
): ErrorFields | undefined {
  if (!isInstance(error, Failure) || !declared.has(error.code)) return undefined;
  const { code, data } = error as Failure;
  try {
    // The frame is encoded later, where nothing may throw.
    if (!(data instanceof Uint8Array)) JSON.stringify(data);
  } catch {
    return undefined;
  }
  const message = `the handler failed with ${code}`;
  return data === undefined ? { code, message } : { code, message, data };
}
