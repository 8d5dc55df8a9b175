import { UsageError } from "../../errors/index.ts";
import { isToken } from "./header-fields.ts";
import {
  checkValue,
  type HeaderInit,
  isHandshakeField,
  writeCallerHeaders,
} from "./header-writer.ts";

/** The answer of a server that accepts an opening handshake. */
export interface UpgradeResponse {
  /** From `computeAcceptKey`. */
  readonly acceptKey: string;
  /** The subprotocol that the server chose from the offer, or the empty string for none. */
  readonly protocol: string;
  /** The extensions that the server accepted, from `serializeExtensions`; the empty string for none. */
  readonly extensions: string;
  /** Further fields, such as `Set-Cookie`. Fields of the handshake are not allowed. */
  readonly headers?: HeaderInit;
}

/**
 * Writes the head of the 101 response, including the blank line (RFC 6455 4.2.2, item 5). Each character of
 * the result is one byte: write it as latin-1.
 *
 * @throws UsageError `INVALID_SUBPROTOCOL` if `protocol` is not a token, `INVALID_HEADER` if a name or a
 *   value is not allowed in a header, `RESERVED_HEADER` if `headers` has a field of the handshake.
 */
export function writeUpgradeResponse(response: UpgradeResponse): string {
  const { acceptKey, protocol, extensions, headers = {} } = response;
  if (protocol !== "" && !isToken(protocol)) {
    throw new UsageError(
      "INVALID_SUBPROTOCOL",
      `the subprotocol ${JSON.stringify(protocol)} is not a token (RFC 6455 4.2.2)`,
    );
  }
  let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  head += `Sec-WebSocket-Accept: ${checkValue("Sec-WebSocket-Accept", acceptKey)}\r\n`;
  if (protocol !== "") head += `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  if (extensions !== "") {
    head += `Sec-WebSocket-Extensions: ${checkValue("Sec-WebSocket-Extensions", extensions)}\r\n`;
  }
  return `${head}${writeCallerHeaders(headers, isHandshakeField)}\r\n`;
}
