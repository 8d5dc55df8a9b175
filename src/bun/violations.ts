import { ProtocolError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";

/**
 * Why Bun has failed a connection, from the reason in its `close` event. Returns undefined if the network
 * failed instead.
 */
export function violationOf(reason: string, maxMessageBytes: number): ProtocolError | undefined {
  if (reason === "Received too big message") return tooBig(maxMessageBytes);
  if (reason === "Received invalid UTF-8") {
    return new ProtocolError("INVALID_UTF8", "a text is not valid UTF-8", {
      closeCode: CloseCode.InvalidPayload,
    });
  }
  if (!reason.startsWith("Received ")) return undefined;
  return new ProtocolError("PROTOCOL_VIOLATION", `Bun has closed the connection: ${reason}`, {
    closeCode: CloseCode.ProtocolError,
  });
}

/** The error for a message that is larger than `maxMessageBytes`. */
export function tooBig(maxMessageBytes: number): ProtocolError {
  return new ProtocolError(
    "MESSAGE_TOO_BIG",
    `a message exceeds maxMessageBytes ${maxMessageBytes}`,
    { closeCode: CloseCode.MessageTooBig },
  );
}

/** The error for messages that wait while the connection is paused, because Bun cannot stop reading. */
export function tooMuchHeld(maxHeldBytes: number): ProtocolError {
  return new ProtocolError(
    "UNREAD_TOO_BIG",
    `more than ${maxHeldBytes} bytes of messages wait for the application, and Bun cannot stop reading; ` +
      "read faster, or raise maxQueuedBytes",
    { closeCode: CloseCode.TryAgainLater },
  );
}

/** The error for a peer that sends too often. */
export function tooOften(perSecond: number): ProtocolError {
  return new ProtocolError(
    "RATE_EXCEEDED",
    `the peer sent more messages in a second than maxMessagesPerSecond ${perSecond}`,
    { closeCode: CloseCode.PolicyViolation },
  );
}
