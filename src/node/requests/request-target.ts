import type { IncomingMessage, Server } from "node:http";
import type { TLSSocket } from "node:tls";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import { tryParseUrl } from "../../server/requests/try-parse-url.ts";

/** The resource that a request asks for. */
export interface RequestTarget {
  /** The host and port as the client sent them; the empty string if it sent none (HTTP/1.0). */
  readonly host: string;
  readonly url: URL;
  /** The path and the query as the client sent them. */
  readonly path: string;
  readonly isSecure: boolean;
  /** The client's address, if a trusted proxy sent it. */
  readonly forwardedAddress?: string;
}

/** The maximum size of a request head, in bytes. */
export const MAX_HEADER_BYTES = 16_384;

/** The maximum length of a request path, without the query. */
const MAX_PATH_LENGTH = 8192;

/** The maximum number of header fields of a request. */
export const MAX_HEADER_COUNT = 100;

/** Host = uri-host [ ":" port ] (RFC 9110 7.2), the host being a name or a bracketed address. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

/** Reads the target of a request to `server` (RFC 9112 3.2). A host in the target replaces `Host`. */
export function readTarget(
  request: IncomingMessage,
  server: Pick<Server, "maxHeadersCount">,
): RequestTarget | HttpRefusal {
  const { rawHeaders } = request;
  if (rawHeaders.length > 2 * MAX_HEADER_COUNT || mayLackHeaders(rawHeaders, server)) {
    return TOO_MANY_FIELDS;
  }
  if (hasInvalidName(rawHeaders)) return INVALID_NAME;
  const target = splitTarget(request.url ?? "");
  // RFC 9112 3.2: a server MUST answer 400 to more than one Host, and to an invalid one.
  if (target === undefined || hasSeveralHosts(rawHeaders)) return MALFORMED;
  const { host: field } = request.headers;
  // Only HTTP/1.0 allows a request without Host. An empty Host counts as missing.
  if (target.host === undefined && field === "") return MALFORMED;
  const host = target.host ?? field ?? "";
  return toTarget(host, target.path, (request.socket as Partial<TLSSocket>).encrypted === true);
}

/**
 * Whether Node.js may have dropped header fields: it silently drops fields beyond `maxHeadersCount`, for
 * example the only `Origin`.
 */
function mayLackHeaders(
  rawHeaders: readonly string[],
  { maxHeadersCount }: Pick<Server, "maxHeadersCount">,
): boolean {
  return (
    maxHeadersCount !== null && maxHeadersCount > 0 && rawHeaders.length >= 2 * maxHeadersCount
  );
}

/** Creates the target of a request for `host` and `path` (with its query), both as the client sent them. */
export function toTarget(
  host: string,
  path: string,
  isSecure: boolean,
): RequestTarget | HttpRefusal {
  if (host !== "" && !HOST.test(host)) return MALFORMED;
  // With the host in front, a path that begins with // is not parsed as another host.
  const url = tryParseUrl(`${isSecure ? "https" : "http"}://${host || "localhost"}${path}`);
  if (url === undefined) return MALFORMED;
  // Parsing shortens a path with dot segments, and lengthens a path that is not ASCII.
  const length = Math.max(pathLength(path), url.pathname.length);
  return length > MAX_PATH_LENGTH ? PATH_TOO_LONG : { host, url, path, isSecure };
}

function pathLength(pathAndQuery: string): number {
  const query = pathAndQuery.indexOf("?");
  return query < 0 ? pathAndQuery.length : query;
}

export const MALFORMED: HttpRefusal = refuse(400, "The request's target or Host is malformed.");
export const TOO_MANY_FIELDS: HttpRefusal = refuse(431, "The request has too many header fields.");
const INVALID_NAME = refuse(400, "The name of a header field is empty or has a space.");
const PATH_TOO_LONG = refuse(414, `The path is longer than ${MAX_PATH_LENGTH} bytes.`);

/** A URI has only visible ASCII characters (RFC 3986 2). The parser of Node.js 20.19 accepts others too. */
const VISIBLE_ASCII = /^[!-~]+$/;

/** Splits a target in origin form or absolute form. No route matches `*` and other forms. */
function splitTarget(target: string): { host?: string; path: string } | undefined {
  // RFC 9112 3.2: a fragment is never sent.
  if (target.includes("#") || !VISIBLE_ASCII.test(target)) return undefined;
  if (target.startsWith("/")) return { path: target };
  const absolute = /^https?:\/\/([^/?#]+)(.*)$/is.exec(target);
  if (absolute === null) return undefined;
  const [, host, rest] = absolute;
  return { host, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].length === 4 && rawHeaders[i].toLowerCase() === "host") count++;
  }
  return count > 1;
}

/**
 * A server MUST answer 400 to a space before a colon (RFC 9112 5.1). The parser of Node.js 20.19 accepts spaces in
 * names, and empty names. `Headers` would throw for them.
 */
function hasInvalidName(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i] === "" || rawHeaders[i].includes(" ")) return true;
  }
  return false;
}
