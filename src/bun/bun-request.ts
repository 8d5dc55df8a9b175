import type { HttpRefusal } from "../protocol/handshake/index.ts";
import type { Peer } from "../server/upgrade.ts";
import type { BunHttpServer } from "./bun-api.ts";
import {
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

/** Reads the target of a request that Bun has parsed. Bun takes the host of its URL from `Host`. */
export function readTarget(
  request: Request,
  rawHeaders: readonly string[],
  isSecure: boolean,
): RequestTarget | HttpRefusal {
  if (rawHeaders.length > 2 * MAX_HEADER_COUNT) return TOO_MANY_FIELDS;
  const { url } = request;
  const path = url.slice(url.indexOf("/", url.indexOf("://") + 3));
  return toTarget(request.headers.get("host") ?? "", path, isSecure);
}

/** The fields of a request: name, value, name, value... Bun has joined fields with the same name. */
export function rawHeadersOf({ headers }: Request): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}

/** Whether WebSocket is among the protocols that a request asks to upgrade to. */
export function isWebSocketUpgrade({ headers }: Request): boolean {
  const protocols = headers.get("upgrade");
  return protocols !== null && WEBSOCKET.test(protocols);
}

const WEBSOCKET = /(?:^|,)\s*websocket\s*(?:,|$)/i;

/** The response that sends a refusal. */
export function toResponse({ status, headers, message }: HttpRefusal): Response {
  return new Response(message, { status, headers: { ...headers } });
}

/** The same response, after which Bun closes the connection. */
export function closing({ body, status, statusText, headers }: Response): Response {
  const fields = new Headers(headers);
  fields.set("Connection", "close");
  return new Response(body, { status, statusText, headers: fields });
}
