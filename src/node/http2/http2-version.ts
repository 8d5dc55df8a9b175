import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import { TidewayError } from "../../errors/index.ts";
import { refuse } from "../../protocol/handshake/index.ts";
import { checkLength } from "../requests/content-length.ts";
import type { HttpVersion } from "../requests/http-version.ts";
import { toRequest } from "../requests/to-request.ts";
import { endStream, failStream } from "./close-stream.ts";
import { withoutConnectionFields } from "./connection-fields.ts";
import { isGone, refuseStream } from "./incoming-stream.ts";

/** HTTP/2 has no Upgrade, so 426 does not apply (RFC 9113 8.6). */
const CONNECT_REQUIRED = refuse(
  405,
  "This path accepts only WebSocket handshakes, which use an extended CONNECT over HTTP/2.",
  { headers: { Allow: "CONNECT" } },
);

/** Answers requests of HTTP/2. */
export const http2: HttpVersion<Http2ServerRequest, Http2ServerResponse> = {
  toRequest: (request, response, target) => toRequest(request, lifetimeOf(response.stream), target),
  onClose(response, listener) {
    response.stream.once("close", listener);
  },
  isGone: ({ stream }) => isGone(stream),
  // The streams of a connection do not wait for each other.
  whenTurn: () => undefined,
  adapt: (_response, answer) => withoutConnectionFields(answer),
  writeHead(response, { status, headers }, length) {
    const fields: Record<string, string | string[]> = Object.fromEntries(headers);
    const cookies = headers.getSetCookie();
    if (cookies.length > 0) fields["set-cookie"] = cookies;
    if (length !== undefined) {
      checkLength(headers.get("content-length") ?? String(length), length);
      fields["content-length"] = String(length);
    }
    checkFieldBytes(fields);
    response.writeHead(status, fields);
  },
  // `writeHead` has sent it.
  flushHead() {},
  write: (response, chunk) => response.write(chunk),
  endWith(response, body) {
    response.end(body);
  },
  refuse(response, refusal) {
    refuseStream(response.req, refusal);
  },
  fail(response) {
    failStream(response.stream);
  },
  skipBody(_request, { stream }) {
    // RFC 9113 8.1: after the response, a server may ask the client to stop sending its request.
    if (!stream.endAfterHeaders) endStream(stream);
  },
  requireUpgrade: () => CONNECT_REQUIRED,
};

/**
 * The limit in bytes for the fields of a response, with {@link FIELD_OVERHEAD} bytes for each. Above 65,536 bytes,
 * together with the fields that `node:http2` adds, `node:http2` closes the whole connection.
 */
const MAX_FIELD_BYTES = 65_000;

const FIELD_OVERHEAD = 12;

/** @throws TidewayError `INVALID_HEADER` for too many bytes */
function checkFieldBytes(fields: Record<string, string | string[]>): void {
  let byteCount = 0;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "string") byteCount += name.length + value.length + FIELD_OVERHEAD;
    else for (const one of value) byteCount += name.length + one.length + FIELD_OVERHEAD;
  }
  if (byteCount <= MAX_FIELD_BYTES) return;
  throw new TidewayError(
    "INVALID_HEADER",
    `the headers of a Response have ${byteCount} bytes, more than ${MAX_FIELD_BYTES}, which HTTP/2 does not allow; set fewer or shorter headers`,
  );
}

/**
 * The events of a response that `toRequest` listens to. The compatibility API of `node:http2` emits 'finish'
 * even for a response that was cut off.
 */
function lifetimeOf(stream: ServerHttp2Stream): Http2ServerResponse {
  const lifetime = {
    once(event: string, listener: () => void) {
      if (event === "close") stream.once("aborted", listener);
      return lifetime;
    },
  };
  return lifetime as unknown as Http2ServerResponse;
}
