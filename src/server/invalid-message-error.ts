import { TidewayError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";
import type { SchemaIssue } from "./standard-schema.ts";

/**
 * Code `INVALID_MESSAGE`: the route's schema does not allow a message of the peer, and the server closes
 * the connection. A handler that lets this error pass has not failed: it is not reported to `onError`.
 */
export class InvalidMessageError extends TidewayError {
  /**
   * The close code (RFC 6455 7.4.1): 1003 for a binary message, and 1007 for text that is not JSON,
   * fails validation, or is nested too deeply for the schema.
   */
  declare readonly closeCode: number;
  /** The reason in the Close frame. */
  readonly reason: "not text" | "not JSON" | "not valid" | "nested too deeply";
  /** The issues that the schema found; empty if the message was not validated. */
  readonly issues: readonly SchemaIssue[];

  constructor(
    reason: InvalidMessageError["reason"],
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
