import { HandshakeError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { HeaderFields } from "./header-fields.ts";

/** The parts of the response, in addition to its status, in an {@link UnexpectedStatusError}. */
export interface UnexpectedStatusDetails {
  readonly headers?: HeaderFields;
  readonly body?: string;
}

/** The server answered the opening handshake with a status other than 101 (RFC 6455 4.1). */
export class UnexpectedStatusError extends HandshakeError {
  /** The HTTP status of the answer, such as 403. */
  readonly status: number;
  /** The reason phrase of the response, which may be empty. */
  readonly reason: string;
  /** The header fields of the response: `error.headers.get("retry-after")`. */
  readonly headers: HeaderFields;
  /**
   * The first 4,096 bytes of the response body, decoded as UTF-8; the empty string if there is none. The
   * client in Node.js waits at most one second for the body, within `handshakeTimeoutMs`.
   */
  readonly body: string;

  constructor(status: number, reason: string, details: UnexpectedStatusDetails = {}) {
    const phrase = reason === "" ? "" : ` ${quote(reason)}`;
    super(
      "UNEXPECTED_STATUS",
      `the server answered the handshake with status ${status}${phrase} instead of 101`,
    );
    this.status = status;
    this.reason = reason;
    this.headers = details.headers ?? new HeaderFields([]);
    this.body = details.body ?? "";
  }

  /** Returns the same error with the beginning of the response body. */
  withBody(body: string): UnexpectedStatusError {
    return new UnexpectedStatusError(this.status, this.reason, { headers: this.headers, body });
  }

  override get name(): string {
    return "UnexpectedStatusError";
  }
}
