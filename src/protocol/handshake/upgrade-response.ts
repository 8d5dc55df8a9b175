import { UsageError } from "../../errors/index.ts";
import { isFieldValue, isToken } from "./header-fields.ts";
import {
  checkValue,
  type HeaderInit,
  isFramingField,
  isHandshakeField,
  writeCallerHeaders,
} from "./header-writer.ts";

/** What a server answers to an opening handshake that it accepts. */
export interface UpgradeResponse {
  /** From `computeAcceptKey`. */
  readonly acceptKey: string;
  /** The subprotocol chosen among those offered, or the empty string for none. */
  readonly protocol: string;
  /** The extensions agreed to, from `serializeExtensions`; the empty string for none. */
  readonly extensions: string;
  /** Further fields, such as `Set-Cookie`; none that belongs to the handshake. */
  readonly headers?: HeaderInit;
}

/** What a server answers to an opening handshake that it refuses. */
export interface RefusalResponse {
  /** 200 to 599; to a WebSocket client anything but 101 is a refusal (RFC 6455 4.1). */
  readonly status: number;
  /** The reason phrase. Default: the status's own, where known, else empty. */
  readonly statusText?: string;
  /**
   * Further fields. `Content-Type` is plain text in UTF-8 unless given. An origin server with a
   * clock owes a `Date` (RFC 9110 6.6.1), which is for the caller to add.
   */
  readonly headers?: HeaderInit;
  /** The body; sent to the peer, so it holds nothing internal. */
  readonly message: string;
}

/**
 * Writes the head of the 101 response, blank line included (RFC 6455 4.2.2, item 5). Each character
 * of the result stands for one byte: it is to be written as latin-1.
 *
 * @throws UsageError `INVALID_SUBPROTOCOL` if `protocol` is not a token, `INVALID_HEADER` if a name
 *   or a value cannot stand in a header, `RESERVED_HEADER` if `headers` has a field of the
 *   handshake's own.
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

/**
 * Writes a whole HTTP/1.1 response that refuses the handshake, after which the connection is to be
 * closed. Each character of the result stands for one byte: it is to be written as latin-1.
 *
 * @throws UsageError `INVALID_STATUS` if `status` is not a final one, `INVALID_HEADER` if
 *   `statusText`, a name or a value cannot stand in a header, `RESERVED_HEADER` if `headers` has a
 *   field that frames the message.
 */
export function writeRefusal(refusal: RefusalResponse): string {
  const { status, statusText = REASONS.get(status) ?? "", headers = {}, message } = refusal;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new UsageError("INVALID_STATUS", `the status ${status} is not between 200 and 599`);
  }
  if (!isFieldValue(statusText)) {
    throw new UsageError("INVALID_HEADER", "statusText holds a character that no header may hold");
  }
  const lines = writeCallerHeaders(headers, isFramingField);
  // RFC 9110 7.8: the sender of Upgrade MUST list it in Connection.
  const connection = hasField(lines, "upgrade") ? "close, Upgrade" : "close";
  const head = `HTTP/1.1 ${status} ${statusText}\r\nConnection: ${connection}\r\n${lines}`;
  // RFC 9110 15.3.5 and 15.4.5: these two have no content, whatever else is said.
  if (status === 204 || status === 304) return `${head}\r\n`;

  const type = hasField(lines, "content-type") ? "" : "Content-Type: text/plain; charset=utf-8\r\n";
  const body = encodeUtf8(message);
  return `${head}${type}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** The statuses that a refused handshake ends in (RFC 9110 15, RFC 6585). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [408, "Request Timeout"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [421, "Misdirected Request"],
  [426, "Upgrade Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [503, "Service Unavailable"],
  [505, "HTTP Version Not Supported"],
]);

function hasField(lines: string, name: string): boolean {
  return lines.split("\r\n").some((line) => line.toLowerCase().startsWith(`${name}:`));
}

/** The bytes of `text` in UTF-8, one character a byte; lone surrogates become U+FFFD. */
function encodeUtf8(text: string): string {
  const wellFormed = text.replace(/\p{Surrogate}/gu, "\ufffd");
  return encodeURIComponent(wellFormed).replace(/%([0-9A-F]{2})/g, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
