import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { versions } from "node:process";
import { checkLength } from "../requests/content-length.ts";
import type { HttpVersion } from "../requests/http-version.ts";
import { toRequest, toRequestWithoutBody } from "../requests/to-request.ts";
import { upgradeRequired } from "../requests/upgrade-required.ts";
import { RequestQueue } from "./request-queue.ts";

/** The maximum size in bytes of a body that is joined with the head into one string. */
const MAX_JOINED_BYTES = 16_384;

/** Whether TLS sockets may ignore the encoding of a string, and write it in UTF-8. */
const IGNORES_ENCODING = "deno" in versions;

/** Answers requests of HTTP/1.1. */
export const http1: HttpVersion<IncomingMessage, ServerResponse> = {
  toRequest(request, response, target, fetch) {
    const { method = "GET" } = request;
    return method === "GET" || method === "HEAD"
      ? toRequestWithoutBody(request, response, target, fetch)
      : toRequest(request, response, target);
  },
  onClose(response, listener) {
    response.once("close", listener);
  },
  isGone: (response) => response.destroyed,
  whenTurn: (response) => RequestQueue.of(response.req.socket).whenTurn(response),
  adapt(response, answer, isStopping) {
    // After a response with this field, no further response of the connection is sent.
    const isLast = (): boolean => RequestQueue.of(response.req.socket).latest === response;
    if (isStopping && isLast()) response.setHeader("Connection", "close");
    return answer;
  },
  writeHead,
  flushHead(response) {
    // In Bun, an empty write sends only a part of the head.
    if ("bun" in versions) response.flushHeaders();
    // `flushHeaders` writes header values in UTF-8, where a client expects Latin-1 (WHATWG Fetch, 2.2.2).
    else response.write("", "latin1");
  },
  write: (response, chunk) => response.write(chunk),
  endWith(response, body, length) {
    // `node:http` joins the head and a body that is a string, so it writes once instead of twice.
    if (length > MAX_JOINED_BYTES || IGNORES_ENCODING) response.end(body);
    else response.end(toLatin1(body, length), "latin1");
  },
  refuse(response, { status, headers, message }) {
    const body = Buffer.from(message);
    response.statusCode = status;
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.setHeader("Content-Length", body.byteLength);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(body);
  },
  fail(response) {
    response.destroy();
  },
  skipBody(request) {
    // The next request comes after this body.
    request.resume();
  },
  requireUpgrade: ({ headers }, miss) =>
    upgradeRequired(miss, headers["sec-websocket-key"] !== undefined),
};

function writeHead(
  response: ServerResponse,
  { status, statusText, headers }: Response,
  length?: number,
): void {
  const fields: string[] = [];
  let isFramed = length === undefined;
  for (const [name, value] of headers) {
    // RFC 9112 6.1: the encoding belongs to this connection, so `node:http` chooses it.
    if (name === "transfer-encoding") continue;
    // RFC 9110 8.6: a server MUST NOT send the length with 204.
    if (name === "content-length" && status === 204) continue;
    fields.push(name, value);
    if (name === "content-length" && length !== undefined) checkLength(value, length);
    isFramed ||= name === "content-length";
  }
  if (!isFramed) fields.push("content-length", String(length));
  response.writeHead(status, statusText || STATUS_CODES[status] || "", fields);
}

/** Converts `body`, which has `length` bytes, into a string with one character per byte. */
function toLatin1(body: string | Uint8Array, length: number): string {
  if (typeof body === "string") {
    return body.length === length ? body : Buffer.from(body).toString("latin1");
  }
  return Buffer.from(body.buffer, body.byteOffset, length).toString("latin1");
}
