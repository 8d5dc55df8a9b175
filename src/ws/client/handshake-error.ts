/** An error of the opening handshake, with the message of the package `ws` and a code of this package. */
export function handshakeError(code: string, message: string, cause?: unknown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code });
}
