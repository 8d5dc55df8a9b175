import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { UsageError } from "../../errors/index.ts";
import { lingeringClose } from "../../node/http/lingering-close.ts";
import { isFramingField, writeCallerHeaders } from "../../protocol/handshake/header-writer.ts";

/**
 * An HTTP response that refuses a handshake. It is not an `HttpRefusal`, because the interface of the package `ws` has
 * other defaults: HTML, the name of the status as the body, and headers that may be arrays.
 */
export interface Refusal {
  /** From 200 to 599. */
  readonly status: number;
  /** The body. Default: the name of the status. */
  readonly message?: string | undefined;
  readonly headers?: OutgoingHttpHeaders | undefined;
}

/** The response if a callback of the application has failed. */
export const INTERNAL_ERROR: Refusal = { status: 500 };

/**
 * Sends a refusal and ends the socket. Ignores the bytes that the client is still sending.
 *
 * @throws UsageError `INVALID_STATUS` or `INVALID_HEADER`, before anything is sent
 */
export function refuse(socket: Duplex, refusal: Refusal): void {
  const response = writeRefusal(refusal);
  if (!socket.writableEnded) lingeringClose(socket, response);
}

/** Returns the response as a string in which each character is one byte. */
function writeRefusal({ status, message, headers }: Refusal): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new UsageError(
      "INVALID_STATUS",
      `the status of a refusal is ${status}; it must be an integer from 200 to 599`,
    );
  }
  const reason = STATUS_CODES[status] ?? "";
  const body = Buffer.from(message || reason).toString("latin1");
  // Applications in JavaScript may pass null.
  const fields = [...fieldsOf(headers ?? {})];
  if (!fields.some(([name]) => name.toLowerCase() === "content-type")) {
    fields.unshift(["Content-Type", "text/html"]);
  }
  const lines = writeCallerHeaders(fields, () => false);
  return (
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\n${lines}` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** The headers of the application, without the headers that frame the response. Each value has its own field. */
function* fieldsOf(headers: OutgoingHttpHeaders): Iterable<[string, string]> {
  for (const [name, values] of Object.entries(headers)) {
    if (values === undefined || isFramingField(name.toLowerCase())) continue;
    for (const value of [values].flat()) yield [name, String(value)];
  }
}
