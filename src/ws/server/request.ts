import type { IncomingMessage } from "node:http";
import { isKey } from "../../protocol/handshake/accept-key.ts";
import { listElements, parseTokenList } from "../../protocol/handshake/header-fields.ts";
import type { Refusal } from "./refusal.ts";

/** The key and the version of a valid opening handshake. */
export interface HandshakeRequest {
  readonly key: string;
  readonly version: 8 | 13;
}

/**
 * Checks the request of an opening handshake (RFC 6455 4.2.1). It reads only `method` and `headers`, because
 * frameworks also pass objects that no HTTP parser has created. Time and memory are linear in the size of the
 * headers.
 *
 * Like the package `ws`, and unlike the rest of Tideway, it also accepts version 8, HTTP/1.0 and requests without
 * a `Host` header.
 */
export function readHandshakeRequest(request: IncomingMessage): HandshakeRequest | Refusal {
  if (request.method !== "GET") {
    return { status: 405, message: "Invalid HTTP method", headers: { Allow: "GET" } };
  }
  const upgrade = headerOf(request, "upgrade") ?? "";
  if (!listElements([upgrade]).some((name) => name.toLowerCase() === "websocket")) {
    return { status: 400, message: "Invalid Upgrade header" };
  }
  const key = headerOf(request, "sec-websocket-key") ?? "";
  if (!isKey(key)) {
    return { status: 400, message: "Missing or invalid Sec-WebSocket-Key header" };
  }
  const version = Number(headerOf(request, "sec-websocket-version"));
  if (version !== 13 && version !== 8) {
    // RFC 6455 4.4: the refusal names the supported versions.
    const headers = { "Sec-WebSocket-Version": "13, 8" };
    return { status: 400, message: "Missing or invalid Sec-WebSocket-Version header", headers };
  }
  if (announcesBody(request)) {
    return { status: 400, message: "A WebSocket handshake must not have a body" };
  }
  return { key, version };
}

/**
 * Reads the offered subprotocols, which must be different tokens (RFC 6455 4.1, item 10). Returns undefined if
 * the header is malformed.
 */
export function readSubprotocols(request: IncomingMessage): Set<string> | undefined {
  const header = headerOf(request, "sec-websocket-protocol");
  if (header === undefined) return new Set();
  const names = parseTokenList([header]);
  if (names === undefined || names.length === 0) return undefined;
  const protocols = new Set(names);
  return protocols.size === names.length ? protocols : undefined;
}

/** Returns the value of a header; several values are joined by commas. */
export function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value: string | number | readonly string[] | undefined = headers[name];
  return value === undefined ? undefined : String(value);
}

/** Whether the request announces a body. A proxy would read these bytes as the body, but a server as frames. */
function announcesBody(request: IncomingMessage): boolean {
  const length = headerOf(request, "content-length") ?? "0";
  return headerOf(request, "transfer-encoding") !== undefined || !/^0+$/.test(length);
}
