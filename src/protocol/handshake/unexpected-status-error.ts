import { HandshakeError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";

/** The server answered the opening handshake with another status than 101 (RFC 6455 4.1). */
export class UnexpectedStatusError extends HandshakeError {
  /** The HTTP status of the answer, such as 403. */
  readonly status: number;

  /** @param reason the answer's reason phrase, which may be empty. */
  constructor(status: number, reason: string) {
    const phrase = reason === "" ? "" : ` ${quote(reason)}`;
    super(
      "UNEXPECTED_STATUS",
      `the server answered with status ${status}${phrase} where 101 opens a WebSocket`,
    );
    this.status = status;
  }

  override get name(): string {
    return "UnexpectedStatusError";
  }
}
