import { TidewayError } from "../errors/index.ts";
import { CloseCode } from "../protocol/index.ts";
import type { SchemaIssue } from "./standard-schema.ts";

/** Why a message is invalid; goes to the peer as the reason for closing. */
export type InvalidMessageReason = "not text" | "not JSON" | "not valid" | "nested too deeply";

/**
 * Code `INVALID_MESSAGE`: the peer sent what the route's schema does not allow, and the connection is
 * closed for it. A handler that lets this error pass has not failed: it is not reported.
 *
 * `closeCode` is 1003 for a binary message, a kind of data that the route cannot take, and 1007 for
 * text that is no JSON, does not validate or is nested more deeply than the schema can follow: it is not
 * what it should be (RFC 6455 7.4.1).
 */
export class InvalidMessageError extends TidewayError {
  /** 1003 or 1007; see above. */
  declare readonly closeCode: number;
  /** What the Close frame says to the peer. */
  readonly reason: InvalidMessageReason;
  /** What the schema found; empty if the message did not get as far. */
  readonly issues: readonly SchemaIssue[];

  constructor(
    reason: InvalidMessageReason,
    { issues = [], cause }: { issues?: readonly SchemaIssue[]; cause?: unknown } = {},
  ) {
    const [first] = issues;
    super(
      "INVALID_MESSAGE",
      `the peer's message is ${reason}${first === undefined ? "" : `: ${first.message}`}`,
      {
        closeCode: reason === "not text" ? CloseCode.UnsupportedData : CloseCode.InvalidPayload,
        ...(cause === undefined ? {} : { cause }),
      },
    );
    this.reason = reason;
    this.issues = issues;
  }

  override get name(): string {
    return "InvalidMessageError";
  }
}
