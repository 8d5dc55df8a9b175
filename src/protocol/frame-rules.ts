import { CloseCode } from "./close-code.ts";
import { isControl, Opcode } from "./opcode.ts";

/** A violation of the protocol or of a limit, and the close code for it. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly closeCode: number;
}

/** RFC 6455 5.2: the reserved bits. They must be 0 unless an extension defines them. */
const RSV = 0x70;

/** The bit that permessage-deflate uses (RFC 7692 6). */
export const RSV1 = 0x40;

/** RFC 6455 5.5. */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;

/**
 * Checks all rules for a frame that depend only on its first two bytes.
 *
 * @param isMasked whether frames to this side must be masked
 * @param isInMessage whether a message has begun and has not ended
 * @param allowsCompressed whether permessage-deflate was negotiated
 */
export function faultOfFrameStart(
  first: number,
  second: number,
  isMasked: boolean,
  isInMessage: boolean,
  allowsCompressed: boolean,
): Fault | undefined {
  if ((first & RSV) !== 0 && !(allowsCompressed && isCompressedStart(first))) {
    return (first & RSV) === RSV1 ? RESERVED_BIT_1 : RESERVED_BITS;
  }
  const ofOpcode = faultOfOpcode(first, second & 0x7f, isInMessage);
  if (ofOpcode !== undefined) return ofOpcode;
  // RFC 6455 5.1: a client masks all frames, and a server masks none.
  if (((second & 0x80) !== 0) === isMasked) return undefined;
  return isMasked ? MASK_REQUIRED : MASK_FORBIDDEN;
}

function faultOfOpcode(first: number, length: number, isInMessage: boolean): Fault | undefined {
  const opcode = first & 0x0f;
  if (isControl(opcode)) return faultOfControlFrame(opcode, first, length);
  if (opcode > Opcode.Binary) return reservedOpcode(opcode);
  // RFC 6455 5.4: the fragments of one message must not be interleaved with the fragments of another message.
  if ((opcode === Opcode.Continuation) === isInMessage) return undefined;
  if (!isInMessage) return CONTINUATION_UNEXPECTED;
  return opcode === Opcode.Text ? TEXT_IN_MESSAGE : BINARY_IN_MESSAGE;
}

/** RFC 7692 6: RSV1 is set only in the first frame of a compressed message. */
function isCompressedStart(first: number): boolean {
  const opcode = first & 0x0f;
  return (first & RSV) === RSV1 && (opcode === Opcode.Text || opcode === Opcode.Binary);
}

/** RFC 6455 5.5. */
function faultOfControlFrame(opcode: number, first: number, length: number): Fault | undefined {
  if (opcode > Opcode.Pong) return reservedOpcode(opcode);
  if ((first & 0x80) === 0) return FRAGMENTED_CONTROL;
  if (length > MAX_CONTROL_PAYLOAD_BYTES) return CONTROL_TOO_BIG;
  // RFC 6455 5.5.1: the body of a Close frame, if there is one, begins with a two-byte code.
  return opcode === Opcode.Close && length === 1 ? INVALID_CLOSE_PAYLOAD : undefined;
}

/** RFC 6455 5.2: a length must be written in its shortest form. */
export function lengthNotMinimal(payloadBytes: number, lengthBits: 16 | 64): Fault {
  return protocolFault(
    "LENGTH_NOT_MINIMAL",
    `a payload length of ${payloadBytes} uses ${lengthBits} bits, more than it needs`,
  );
}

/** RFC 6455 5.2: the highest bit of a 64-bit length must be 0. */
export const LENGTH_TOO_BIG: Fault = protocolFault(
  "LENGTH_TOO_BIG",
  "the highest bit of a 64-bit length is set",
);

/** The text of a message or a close reason is not UTF-8 (RFC 6455 8.1). */
export const INVALID_UTF8: Fault = {
  code: "INVALID_UTF8",
  message: "a text is not valid UTF-8",
  closeCode: CloseCode.InvalidPayload,
};

/** RFC 6455 7.4. */
export function invalidCloseCode(code: number): Fault {
  return protocolFault(
    "INVALID_CLOSE_CODE",
    `a Close frame has the code ${code}, which must not be sent`,
  );
}

/** RFC 6455 7.4.1 and 10.4. */
export function messageTooBig(messageBytes: number | string, maxMessageBytes: number): Fault {
  return {
    code: "MESSAGE_TOO_BIG",
    message: `message of ${messageBytes} bytes exceeds maxMessageBytes ${maxMessageBytes}`,
    closeCode: CloseCode.MessageTooBig,
  };
}

/** RFC 6455 10.4: this peer alone did not cause it, so it may try again later (1013). */
export function unfinishedTooBig(maxUnfinishedBytes: number): Fault {
  return {
    code: "UNFINISHED_TOO_BIG",
    message: `the unfinished messages of all peers exceed maxUnfinishedBytes ${maxUnfinishedBytes}`,
    closeCode: CloseCode.TryAgainLater,
  };
}

/** The maximum number of successive empty fragments, to which the limits in bytes do not apply. */
export const MAX_EMPTY_FRAGMENTS = 1_024;

/** RFC 6455 10.4. */
export const TOO_MANY_EMPTY_FRAGMENTS: Fault = {
  code: "TOO_MANY_EMPTY_FRAGMENTS",
  message: `a message has more than ${MAX_EMPTY_FRAGMENTS} empty fragments in a row`,
  closeCode: CloseCode.PolicyViolation,
};

/** RFC 6455 10.4. */
export function tooManyFragments(maxFragments: number): Fault {
  return {
    code: "TOO_MANY_FRAGMENTS",
    message: `a message has more fragments than maxFragments ${maxFragments}`,
    closeCode: CloseCode.PolicyViolation,
  };
}

export const RESERVED_BIT_1: Fault = protocolFault(
  "RESERVED_BITS",
  "the bit RSV1 is set, although the frame does not begin a compressed message",
);
export const RESERVED_BITS: Fault = protocolFault("RESERVED_BITS", "a reserved bit is set");
export const MASK_REQUIRED: Fault = protocolFault(
  "MASK_REQUIRED",
  "a frame from a client is not masked",
);
const MASK_FORBIDDEN = protocolFault("MASK_FORBIDDEN", "a frame from a server is masked");
const TEXT_IN_MESSAGE = protocolFault(
  "CONTINUATION_EXPECTED",
  "a text message begins before the previous message has ended",
);
const BINARY_IN_MESSAGE = protocolFault(
  "CONTINUATION_EXPECTED",
  "a binary message begins before the previous message has ended",
);
export const CONTINUATION_UNEXPECTED: Fault = protocolFault(
  "CONTINUATION_UNEXPECTED",
  "a continuation frame has no message to continue",
);
export const FRAGMENTED_CONTROL: Fault = protocolFault(
  "FRAGMENTED_CONTROL",
  "a control frame is fragmented",
);
export const CONTROL_TOO_BIG: Fault = protocolFault(
  "CONTROL_TOO_BIG",
  "a control frame has a payload of more than 125 bytes",
);
export const INVALID_CLOSE_PAYLOAD: Fault = protocolFault(
  "INVALID_CLOSE_PAYLOAD",
  "a Close frame has a payload of one byte",
);

function reservedOpcode(opcode: number): Fault {
  return protocolFault("RESERVED_OPCODE", `opcode ${opcode} is reserved`);
}

/** A violation that fails the connection with 1002. */
export function protocolFault(code: string, message: string): Fault {
  return { code, message, closeCode: CloseCode.ProtocolError };
}
