import { type HttpRefusal, namesUpgrade, namesWebSocket } from "../protocol/handshake/index.ts";
import type { Peer } from "../server/requests/upgrade-attempt.ts";
import type { BunHttpServer } from "./bun-api.ts";
import {
  MALFORMED,
  MAX_HEADER_COUNT,
  type RequestTarget,
  TOO_MANY_FIELDS,
  toTarget,
} from "../node/requests/request-target.ts";

/** A request, and what is known about its client. */
export interface BunRequest {
  readonly request: Request;
  readonly server: BunHttpServer;
  /** name, value, name, value... */
  readonly rawHeaders: readonly string[];
  readonly peer: Peer;
}

/**
 * Reads the target of a request that Bun has parsed. Bun takes the host of its URL from `Host`. Without it, the URL is
 * only the path and the query.
 */
export function readTarget(
  { url, headers }: Request,
  rawHeaders: readonly string[],
  isSecure: boolean,
): RequestTarget | HttpRefusal {
  if (rawHeaders.length > 2 * MAX_HEADER_COUNT) return TOO_MANY_FIELDS;
  // Only HTTP/1.0 allows a request without Host. An empty Host counts as missing.
  const host = headers.get("host");
  if (host === "") return MALFORMED;
  const path = host === null ? url : url.slice(url.indexOf("/", url.indexOf("://") + 3));
  // RFC 9112 3.2: a fragment is never sent.
  if (path.includes("#")) return MALFORMED;
  return toTarget(host ?? "", path, isSecure);
}

/** The fields of a request: name, value, name, value... Bun has joined fields with the same name. */
export function rawHeadersOf({ headers }: Request): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}

/**
 * Whether a request asks for an upgrade to WebSocket. An `Upgrade` that `Connection` does not name is not meant
 * for this hop (RFC 9110 7.8).
 */
export function asksForWebSocket({ headers }: Request): boolean {
  const protocols = headers.get("upgrade");
  return (
    protocols !== null && namesWebSocket(protocols) && namesUpgrade(headers.get("connection") ?? "")
  );
}

/** The response that sends the refusal of a request. */
export function toResponse({ status, headers, message }: HttpRefusal): Response {
  return new Response(message, {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", ...headers },
  });
}

/** The response that sends the refusal of a handshake. Bun closes the connection after it. */
export function toLastResponse(refusal: HttpRefusal): Response {
  const { headers } = refusal;
  // RFC 9110 7.8: the sender of Upgrade MUST list it in Connection.
  const Connection = "Upgrade" in headers ? "close, Upgrade" : "close";
  return toResponse({ ...refusal, headers: { ...headers, Connection } });
}
