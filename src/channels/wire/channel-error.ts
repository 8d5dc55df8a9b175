import { TidewayError } from "../../errors/index.ts";
import type { SchemaIssue } from "../../schema/standard-schema.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";

/**
 * The codes of a {@link ChannelError}, apart from the errors that a contract declares. The server sends
 * these:
 *
 * - `INVALID_REQUEST`: a field of the request is missing or has the wrong type.
 * - `UNKNOWN_TOPIC`, `UNKNOWN_CALL`: the server's contract does not have the name.
 * - `FORBIDDEN`: a rule does not allow the request, or there is no rule.
 * - `INVALID_DATA`: the data does not match the schema; see `issues`. The client makes it too, if JSON cannot express the
 *   data; then `cause` is the error of `JSON.stringify`.
 * - `TOO_BIG`: the data exceeds a limit in bytes: of the topic, or `maxMessageBytes` of the server or the client. The
 *   client makes it too, before it sends a message that the server does not accept.
 * - `TOO_MANY_REQUESTS`: a limit of the server is reached; try again after `retryAfterMs`.
 * - `TOO_MANY_TOPICS`: the client uses as many topics as the server allows; end the use of another one first.
 * - `UNAVAILABLE`: the broker cannot be reached; `mayBeStored` says whether it may have stored a publication.
 * - `INTERNAL`: a rule or handler of the server threw an error, which only the server knows.
 *
 * The client makes these:
 *
 * - `UNAUTHORIZED`: the server does not accept the result of `auth`.
 * - `CONNECTION_LOST`: the connection ended before the answer to a call that is not idempotent, or to a publish to a
 *   volatile topic; or there is no connection for such a publish.
 * - `LEFT`: `leave` was called before the answer to `enter`.
 * - `QUEUE_FULL`: all publishes and calls without an answer would together exceed `maxQueuedBytes`.
 * - `CLIENT_CLOSED`: `close` was called.
 * - `TIMEOUT`: the server did not answer within `timeoutMs`.
 * - `UNCONFIRMED`: the server may or may not have stored the publication, and it is too late to ask again.
 * - `UNSUPPORTED_VERSION`: the server does not support this version of the protocol.
 */
export type ChannelErrorCode =
  | "INVALID_REQUEST"
  | "UNKNOWN_TOPIC"
  | "UNKNOWN_CALL"
  | "FORBIDDEN"
  | "INVALID_DATA"
  | "TOO_BIG"
  | "TOO_MANY_REQUESTS"
  | "TOO_MANY_TOPICS"
  | "UNAVAILABLE"
  | "INTERNAL"
  | "UNAUTHORIZED"
  | "CONNECTION_LOST"
  | "LEFT"
  | "QUEUE_FULL"
  | "CLIENT_CLOSED"
  | "TIMEOUT"
  | "UNCONFIRMED"
  | "UNSUPPORTED_VERSION";

/** The properties of a {@link ChannelError} besides its code and message. */
export interface ChannelErrorDetails {
  readonly data?: unknown;
  readonly issues?: readonly SchemaIssue[];
  readonly retryAfterMs?: number;
  readonly mayBeStored?: boolean;
  readonly cause?: unknown;
}

/**
 * A request of a channel client failed. Other requests on the same connection are not affected. If the connection
 * has ended, `cause` is the error of the transport or the close, with its `code` and `reason`.
 */
export class ChannelError extends TidewayError {
  /** The data of an error that the contract declares. */
  declare readonly data?: unknown;
  /** With `INVALID_DATA`: what does not match the schema. */
  declare readonly issues?: readonly SchemaIssue[];
  /** With `TOO_MANY_REQUESTS` and `UNAVAILABLE`: when to try again, in milliseconds. */
  declare readonly retryAfterMs?: number;
  /** For `publish` and idempotent calls: whether the request may have taken effect. */
  declare readonly mayBeStored?: boolean;

  /** @param message default: the code */
  constructor(code: string, message?: string, details: ChannelErrorDetails = {}) {
    super(code, message ?? code, details);
    // By name, because a frame of a server may have other fields, such as `__proto__`.
    const { data, issues, retryAfterMs, mayBeStored } = details;
    Object.assign(this, { data, issues, retryAfterMs, mayBeStored });
  }

  override get name(): string {
    return "ChannelError";
  }
}

/** Publications of a topic were lost. The loop over its messages ends, unless it has the option `onLost`. */
export class PublicationsLostError extends TidewayError {
  /** Why the subscription cannot continue after its position. */
  declare readonly reason: LossReason;
  /** Every publication after this position follows. */
  declare readonly position: string;

  constructor(reason: LossReason, position: string) {
    super("PUBLICATIONS_LOST", `publications before ${position} are lost: ${reason}`);
    Object.assign(this, { reason, position });
  }

  override get name(): string {
    return "PublicationsLostError";
  }
}
