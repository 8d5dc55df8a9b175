/** The codings that `fetch` of every runtime decodes. */
const DECODED_CODINGS: readonly string[] = ["gzip", "x-gzip", "deflate", "br"];

/** The fields for the connection to the other server (RFC 9110 7.6.1). */
const CONNECTION_FIELDS = ["connection", "keep-alive", "transfer-encoding"] as const;

/**
 * Removes fields from a response of `fetch`: the fields for its connection, and the encoding and length of a body
 * that `fetch` has decoded. A client would decode such a body again, and expect another length. Returns all other
 * responses unchanged.
 */
export function withoutForeignFields(answer: Response): Response {
  // Only a response that `fetch` returned has a URL.
  if (answer.url === "") return answer;
  const { body, status, statusText } = answer;
  const headers = new Headers(answer.headers);
  for (const name of CONNECTION_FIELDS) headers.delete(name);
  if (isDecoded(headers.get("content-encoding"))) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  return new Response(body, { status, statusText, headers });
}

function isDecoded(codings: string | null): boolean {
  return (
    codings !== null &&
    codings.split(",").every((coding) => DECODED_CODINGS.includes(coding.trim().toLowerCase()))
  );
}
