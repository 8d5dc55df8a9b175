/** The fields of HTTP/1.1 that describe a connection. HTTP/2 forbids them (RFC 9113 8.2.2). */
const CONNECTION_FIELDS = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
] as const;

/** Returns `response` without connection-specific fields. */
export function withoutConnectionFields(response: Response): Response {
  if (!CONNECTION_FIELDS.some((name) => response.headers.has(name))) return response;
  const headers = new Headers(response.headers);
  for (const name of CONNECTION_FIELDS) headers.delete(name);
  return new Response(response.body, { status: response.status, headers });
}

/** Whether a field is connection-specific. Its name may be in any case. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.some((forbidden) => forbidden === name.toLowerCase());
}
