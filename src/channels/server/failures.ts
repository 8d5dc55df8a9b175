import { BrokerError, UsageError } from "../../errors/index.ts";
import { isInstance } from "../../schema/values.ts";
import type { Validation } from "../../schema/validate.ts";
import type { ErrorFields } from "../wire/frames.ts";
import { RETRY_AFTER_MS } from "./rate-limit.ts";

export const INTERNAL: ErrorFields = { code: "INTERNAL" };
export const FORBIDDEN: ErrorFields = { code: "FORBIDDEN" };
export const UNKNOWN_TOPIC: ErrorFields = { code: "UNKNOWN_TOPIC" };
export const UNKNOWN_CALL: ErrorFields = { code: "UNKNOWN_CALL" };

/** A limit is reached. `option` is the name of the limit. */
export function tooMany(option: string, retryAfterMs: number = RETRY_AFTER_MS): ErrorFields {
  return { code: "TOO_MANY_REQUESTS", message: `the limit ${option} is reached`, retryAfterMs };
}

export function invalidRequest(message: string): ErrorFields {
  return { code: "INVALID_REQUEST", message };
}

/**
 * The error for a client that sent an invalid value, or undefined if the schema itself failed, which is an
 * error of the server.
 */
export function invalidData(
  validation: Exclude<Validation<unknown>, { kind: "valid" }>,
): ErrorFields | undefined {
  if (validation.kind !== "invalid") {
    const isTooDeep = validation.kind === "too-deep";
    return isTooDeep
      ? { code: "INVALID_DATA", message: "the data is nested too deeply" }
      : undefined;
  }
  const issues = validation.issues.map(({ message, path }) => ({
    message: String(message),
    ...(path !== undefined && { path: path.map(toPathKey) }),
  }));
  return { code: "INVALID_DATA", issues };
}

/**
 * The error for a client when topics or the broker failed, or undefined for an error of the server's code.
 */
export function brokerFailure(error: unknown): ErrorFields | undefined {
  if (isInstance(error, BrokerError)) {
    return { code: "UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS };
  }
  const isTooBig = isInstance(error, UsageError) && error.code === "PUBLICATION_TOO_BIG";
  return isTooBig ? { code: "TOO_BIG", message: error.message } : undefined;
}

/** Whether a publish that failed with `error` may have been stored. */
export function mayBeStored(error: unknown): boolean {
  return isInstance(error, BrokerError) && error.code !== "TOPICS_FULL";
}

/** JSON has no symbols, and some libraries wrap a key in an object. */
function toPathKey(key: PropertyKey | { readonly key: PropertyKey }): string | number {
  const plain = typeof key === "object" ? key.key : key;
  return typeof plain === "symbol" ? String(plain) : plain;
}
