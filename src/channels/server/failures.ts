import { BrokerError, UsageError } from "../../errors/index.ts";
import { isInstance } from "../../schema/values.ts";
import type { Validation } from "../../schema/validate.ts";
import type { ErrorFields } from "../wire/frames.ts";
import { RETRY_AFTER_MS } from "./rate-limit.ts";

export const INTERNAL: ErrorFields = {
  code: "INTERNAL",
  message: "a rule, a handler or the broker failed; onError of the server has the error",
};
export const FORBIDDEN: ErrorFields = { code: "FORBIDDEN", message: "no rule allows the request" };
export const UNKNOWN_TOPIC: ErrorFields = {
  code: "UNKNOWN_TOPIC",
  message: "no pattern in the contract of the server matches the name of the topic",
};
export const UNKNOWN_CALL: ErrorFields = {
  code: "UNKNOWN_CALL",
  message: "the contract of the server has no call or stream with this name",
};

export const CALL_IS_STREAM: ErrorFields = {
  code: "UNKNOWN_CALL",
  message: "this name is a stream in the contract of the server; use stream instead of call",
};
export const STREAM_IS_CALL: ErrorFields = {
  code: "UNKNOWN_CALL",
  message: "this name is a call in the contract of the server; use call instead of stream",
};
export const NO_PRESENCE: ErrorFields = {
  code: "FORBIDDEN",
  message: "the topic has no presence, because its contract has no member",
};

// A small message of a client can have very many issues, or very long names.
const MAX_ISSUES = 32;
const MAX_ISSUE_LENGTH = 256;
const MAX_PATH = 32;
const MAX_KEY_LENGTH = 64;
export const TOO_DEEP: ErrorFields = {
  code: "INVALID_DATA",
  message: "the data is nested too deeply",
};

/** The broker does not answer. */
export const UNAVAILABLE: ErrorFields = {
  code: "UNAVAILABLE",
  message: "the broker cannot be reached; try again later",
  retryAfterMs: RETRY_AFTER_MS,
};

/** A limit is reached, for a time. `option` is the name of the limit. */
export function tooMany(option: string, retryAfterMs: number = RETRY_AFTER_MS): ErrorFields {
  const message = `the limit ${option} is reached; try again in ${retryAfterMs} ms`;
  return { code: "TOO_MANY_REQUESTS", message, retryAfterMs };
}

/** A limit is reached until the client ends a subscription, or another use of a topic. */
export function tooManyTopics(option: string): ErrorFields {
  const message = `the limit ${option} is reached; end the use of another topic first`;
  return { code: "TOO_MANY_TOPICS", message };
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
    return validation.kind === "too-deep" ? TOO_DEEP : undefined;
  }
  const issues = validation.issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({
    message: cut(String(message), MAX_ISSUE_LENGTH),
    ...(Array.isArray(path) && { path: path.slice(0, MAX_PATH).map(toPathKey) }),
  }));
  const message = `the data does not match its schema: ${issues[0]?.message}`;
  return { code: "INVALID_DATA", message, issues };
}

/**
 * The error for a client when topics or the broker failed. Undefined if the application must know the error: its code
 * has failed, or the broker refuses what it will refuse again.
 */
export function brokerFailure(error: unknown): ErrorFields | undefined {
  if (isInstance(error, BrokerError)) {
    // This server stops. The client can try again on another one.
    const isClosed = error.code === "BROKER_CLOSED";
    return error.isRetryable || isClosed ? UNAVAILABLE : undefined;
  }
  const isTooBig = isInstance(error, UsageError) && error.code === "PUBLICATION_TOO_BIG";
  return isTooBig ? { code: "TOO_BIG", message: error.message } : undefined;
}

/** Whether a publish that failed with `error` may have been stored. */
export function mayBeStored(error: unknown): boolean {
  return isInstance(error, BrokerError) && error.code !== "TOPICS_FULL";
}

/** JSON has no symbols, and some libraries wrap a key in an object. */
function toPathKey(key: PropertyKey | { readonly key: PropertyKey } | null): string | number {
  const plain = typeof key === "object" && key !== null ? key.key : key;
  return typeof plain === "number" ? plain : cut(String(plain), MAX_KEY_LENGTH);
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
