/** What HTTP/1.1 says of a connection, and HTTP/2 must not (RFC 9113 8.2.2). */
const CONNECTION_FIELDS = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
] as const;

/** `response` without the fields that are specific to a connection of HTTP/1.1. */
export function withoutConnectionFields(response: Response): Response {
  if (!CONNECTION_FIELDS.some((name) => response.headers.has(name))) return response;
  const headers = new Headers(response.headers);
  for (const name of CONNECTION_FIELDS) headers.delete(name);
  return new Response(response.body, { status: response.status, headers });
}

/** Whether a field, whose name may be in any case, is specific to a connection of HTTP/1.1. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.some((forbidden) => forbidden === name.toLowerCase());
}
