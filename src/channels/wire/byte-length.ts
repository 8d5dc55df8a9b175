/**
 * The number of bytes of a message in UTF-8, which credit pays for. Both ends must count the same bytes.
 */
export function byteLengthOf(message: string | Uint8Array): number {
  if (typeof message !== "string") return message.byteLength;
  return NOT_ASCII.test(message) ? encoder.encode(message).byteLength : message.length;
}

const encoder = new TextEncoder();

// eslint-disable-next-line no-control-regex
const NOT_ASCII = /[^\u0000-\u007f]/;
