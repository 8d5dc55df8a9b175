import { UsageError } from "../../errors/index.ts";
import { isFieldValue } from "./header-fields.ts";
import { isFramingField, writeCallerHeaders } from "./header-writer.ts";

/** An HTTP response in plain text that refuses a request. */
export interface HttpRefusal {
  /** Distinguishes a refusal from other outcomes. */
  readonly kind: "refuse";
  /** 200 to 599. A WebSocket client treats every status except 101 as a refusal (RFC 6455 4.1). */
  readonly status: number;
  /**
   * The reason phrase, which only HTTP/1.1 sends. Default: the standard phrase of the status, or empty for
   * an unknown status.
   */
  readonly statusText?: string;
  /** The header fields that belong to this status, such as `Allow` or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. It is sent to the client and must not contain internals. */
  readonly message: string;
  /** The reason for the server's log, without text from the client. Default: the message. */
  readonly reason?: string;
  /** The name of the option that led to the refusal. */
  readonly option?: string;
}

/** Creates a refusal. `message` is one sentence for the client. */
export function refuse(
  status: number,
  message: string,
  details: Partial<Pick<HttpRefusal, "headers" | "reason" | "option">> = {},
): HttpRefusal {
  return { kind: "refuse", status, headers: {}, message, ...details };
}

/**
 * Writes a whole HTTP/1.1 response that refuses a request. Close the connection after it. Each character
 * of the result is one byte: write it as latin-1.
 *
 * The response has `Content-Type: text/plain; charset=utf-8` unless `headers` has another one. It has no
 * `Date`, which an origin server with a clock must send (RFC 9110 6.6.1): add it to `headers`.
 *
 * @throws UsageError `INVALID_STATUS` if `status` is not from 200 to 599, `INVALID_HEADER` if `statusText`,
 *   a name or a value is not valid in a header, `RESERVED_HEADER` if `headers` has a field that frames the
 *   message, such as `Content-Length`
 */
export function writeRefusal(
  refusal: Pick<HttpRefusal, "status" | "message"> & Partial<HttpRefusal>,
): string {
  const { status, statusText = REASONS.get(status) ?? "", headers = {}, message } = refusal;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new UsageError(
      "INVALID_STATUS",
      `the status is ${status}; it must be an integer from 200 to 599`,
    );
  }
  if (!isFieldValue(statusText)) {
    throw new UsageError(
      "INVALID_HEADER",
      "statusText has a character that is not allowed in a status line",
    );
  }
  const lines = writeCallerHeaders(headers, isFramingField);
  // RFC 9110 7.8: the sender of Upgrade MUST list it in Connection.
  const connection = hasField(lines, "upgrade") ? "close, Upgrade" : "close";
  const head = `HTTP/1.1 ${status} ${statusText}\r\nConnection: ${connection}\r\n${lines}`;
  // RFC 9110 15.3.5 and 15.4.5: these two statuses have no content.
  if (status === 204 || status === 304) return `${head}\r\n`;

  const type = hasField(lines, "content-type") ? "" : "Content-Type: text/plain; charset=utf-8\r\n";
  const body = encodeUtf8(message);
  return `${head}${type}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** The statuses of refusals in this package (RFC 9110 15, RFC 6585). */
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
