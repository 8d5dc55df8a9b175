import { CONNECTION_FIELDS } from "../../protocol/handshake/connection-fields.ts";

/** The fields that HTTP/2 forbids in a response (RFC 9113 8.2.2). */
const FORBIDDEN_FIELDS: readonly string[] = [...CONNECTION_FIELDS, "http2-settings", "te"];

/** Returns `response` without connection-specific fields. */
export function withoutConnectionFields(response: Response): Response {
  if (!FORBIDDEN_FIELDS.some((name) => response.headers.has(name))) return response;
  const headers = new Headers(response.headers);
  for (const name of FORBIDDEN_FIELDS) headers.delete(name);
  return new Response(response.body, { status: response.status, headers });
}

/** Whether a field is connection-specific. Its name may be in any case. */
export function isConnectionField(name: string): boolean {
  return FORBIDDEN_FIELDS.includes(name.toLowerCase());
}
