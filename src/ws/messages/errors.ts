import type { TidewayError } from "../../errors/index.ts";

/**
 * The codes and messages of the package `ws`, by the code of a {@link TidewayError}. Applications compare
 * them, so both are part of the interface.
 */
const PUBLIC_ERRORS: Readonly<Record<string, (error: TidewayError) => PublicError>> = {
  CONTINUATION_EXPECTED: ({ message }) =>
    invalidFrame("WS_ERR_INVALID_OPCODE", `invalid opcode ${message.includes("binary") ? 2 : 1}`),
  CONTINUATION_UNEXPECTED: () => invalidFrame("WS_ERR_INVALID_OPCODE", "invalid opcode 0"),
  RESERVED_OPCODE: ({ message }) =>
    invalidFrame("WS_ERR_INVALID_OPCODE", `invalid opcode ${numberIn(message)}`),
  FRAGMENTED_CONTROL: () => invalidFrame("WS_ERR_EXPECTED_FIN", "FIN must be set"),
  MASK_REQUIRED: () => invalidFrame("WS_ERR_EXPECTED_MASK", "MASK must be set"),
  MASK_FORBIDDEN: () => invalidFrame("WS_ERR_UNEXPECTED_MASK", "MASK must be clear"),
  RESERVED_BITS: ({ message }) =>
    message.includes("RSV1")
      ? invalidFrame("WS_ERR_UNEXPECTED_RSV_1", "RSV1 must be clear")
      : invalidFrame("WS_ERR_UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"),
  CONTROL_TOO_BIG: () =>
    invalidFrame("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 126"),
  INVALID_CLOSE_PAYLOAD: () =>
    invalidFrame("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 1"),
  INVALID_CLOSE_CODE: ({ message }) =>
    invalidFrame("WS_ERR_INVALID_CLOSE_CODE", `invalid status code ${numberIn(message)}`),
  INVALID_UTF8: () => ({
    errorClass: Error,
    code: "WS_ERR_INVALID_UTF8",
    message: "Invalid WebSocket frame: invalid UTF-8 sequence",
  }),
  INVALID_DEFLATE: ({ message }) => ({
    errorClass: Error,
    code: "Z_DATA_ERROR",
    errno: -3,
    message,
  }),
  LENGTH_TOO_BIG: () => LENGTH_TOO_BIG,
  LENGTH_NOT_MINIMAL: () =>
    invalidFrame("WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", "payload length is not minimal"),
  MESSAGE_TOO_BIG: ({ message }) =>
    Number(numberIn(message)) > Number.MAX_SAFE_INTEGER ? LENGTH_TOO_BIG : MESSAGE_TOO_BIG,
  TOO_MANY_FRAGMENTS: () => TOO_MANY_FRAGMENTS,
  TOO_MANY_EMPTY_FRAGMENTS: () => TOO_MANY_FRAGMENTS,
};

interface PublicError {
  readonly errorClass: ErrorConstructor | RangeErrorConstructor;
  readonly code: string;
  readonly message: string;
  readonly errno?: number;
}

const LENGTH_TOO_BIG: PublicError = {
  errorClass: RangeError,
  code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  message: "Unsupported WebSocket frame: payload length > 2^53 - 1",
};

const MESSAGE_TOO_BIG: PublicError = {
  errorClass: RangeError,
  code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  message: "Max payload size exceeded",
};

const TOO_MANY_FRAGMENTS: PublicError = {
  errorClass: RangeError,
  code: "WS_ERR_TOO_MANY_BUFFERED_PARTS",
  message: "Too many message fragments",
};

/** Returns the error that the package `ws` emits in this case. Its `cause` is the given error. */
export function toPublicError(error: TidewayError): Error & { code: string } {
  const { errorClass, message, ...properties } = PUBLIC_ERRORS[error.code]?.(error) ?? {
    errorClass: Error,
    code: error.code,
    message: error.message,
  };
  return Object.assign(new errorClass(message, { cause: error }), properties);
}

/** The error of `send`, `ping` and `pong` if the WebSocket is not open. */
export function notOpenError(readyState: number): Error {
  return new Error(`WebSocket is not open: readyState ${readyState} (${STATES[readyState]})`);
}

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const;

function invalidFrame(code: string, what: string): PublicError {
  return { errorClass: RangeError, code, message: `Invalid WebSocket frame: ${what}` };
}

function numberIn(text: string): string {
  return /\d+/.exec(text)?.[0] ?? "";
}
