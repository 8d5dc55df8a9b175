import { TidewayError } from "../../errors/index.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import type { SchemaIssue } from "../../schema/standard-schema.ts";

/**
 * A message from the peer does not match the route's schema. The server closes the connection. The `code` is
 * `INVALID_MESSAGE`. If a handler throws this error, the server does not report it to `onError`.
 */
export class InvalidMessageError extends TidewayError {
  /**
   * The close code (RFC 6455 7.4.1): 1003 for a binary message; 1007 for text that is not JSON, that fails
   * validation, or that is nested too deeply for the schema.
   */
  declare readonly closeCode: number;
  /** Why the message is invalid. The Close frame has the same text as its reason. */
  readonly reason: "not text" | "not JSON" | "not valid" | "nested too deeply";
  /** The issues that the schema found; empty if the message was not text, not JSON or nested too deeply. */
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

  /** `"InvalidMessageError"`. */
  override get name(): string {
    return "InvalidMessageError";
  }
}
