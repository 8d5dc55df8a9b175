import type { TidewayError } from "../errors/index.ts";

/** The code and the message that the package `ws` gives to an error, by the code of a {@link TidewayError}. */
const PROTOCOL_ERRORS: Readonly<Record<string, readonly [code: string, message: string]>> = {
  CONTINUATION_EXPECTED: ["WS_ERR_INVALID_OPCODE", "a message begins inside of another message"],
};

/** An error with the `code` that the package `ws` documents for it. */
export function toPublicError(error: TidewayError): Error {
  const [code = error.code, message = error.message] = PROTOCOL_ERRORS[error.code] ?? [];
  return Object.assign(new Error(message, { cause: error }), { code });
}
