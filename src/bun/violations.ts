import { ProtocolError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";
import {
  CONTINUATION_UNEXPECTED,
  CONTROL_TOO_BIG,
  type Fault,
  FRAGMENTED_CONTROL,
  INVALID_CLOSE_PAYLOAD,
  INVALID_UTF8,
  MASK_REQUIRED,
  messageTooBig,
  protocolFault,
  RESERVED_BIT_1,
  RESERVED_BITS,
} from "../protocol/frame-rules.ts";

/** The faults by the reasons that Bun gives. It does not tell the opcode or the close code. */
const FAULTS: Readonly<Record<string, Fault>> = {
  "Received an incorrectly masked frame": MASK_REQUIRED,
  "Received continuation frame outside a fragmented message": CONTINUATION_UNEXPECTED,
  "Received fragmented control frame": FRAGMENTED_CONTROL,
  "Received invalid close code": protocolFault(
    "INVALID_CLOSE_CODE",
    "a Close frame has a code that must not be sent",
  ),
  "Received invalid close payload": INVALID_CLOSE_PAYLOAD,
  "Received invalid opcode": protocolFault("RESERVED_OPCODE", "the opcode of a frame is reserved"),
  "Received invalid UTF-8": INVALID_UTF8,
  "Received new message inside a fragmented message": protocolFault(
    "CONTINUATION_EXPECTED",
    "a message begins before the previous message has ended",
  ),
  "Received too big control frame": CONTROL_TOO_BIG,
  "Received unexpected RSV1 bit": RESERVED_BIT_1,
  "Received unexpected RSV2 or RSV3 bit": RESERVED_BITS,
};

/**
 * Why Bun has failed a connection, from the reason in its `close` event. Returns undefined if the network
 * failed instead.
 */
export function violationOf(reason: string, maxMessageBytes: number): ProtocolError | undefined {
  if (reason === "Received too big message") {
    return toError(messageTooBig(`over ${maxMessageBytes}`, maxMessageBytes));
  }
  const fault = FAULTS[reason];
  if (fault !== undefined) return toError(fault);
  if (!reason.startsWith("Received ")) return undefined;
  return toError(protocolFault("PROTOCOL_VIOLATION", `Bun has closed the connection: ${reason}`));
}

/** The error for a message of `bytes` bytes, which is larger than `maxMessageBytes`. */
export function tooBig(bytes: number, maxMessageBytes: number): ProtocolError {
  return toError(messageTooBig(bytes, maxMessageBytes));
}

/** The error for messages that wait while the connection is paused, because Bun cannot stop reading. */
export function tooMuchHeld(maxHeldBytes: number): ProtocolError {
  return toError({
    code: "UNREAD_TOO_BIG",
    message: `more than ${maxHeldBytes} bytes of messages wait; read faster, or raise maxQueuedBytes`,
    closeCode: CloseCode.TryAgainLater,
  });
}

function toError({ code, message, closeCode }: Fault): ProtocolError {
  return new ProtocolError(code, message, { closeCode });
}
