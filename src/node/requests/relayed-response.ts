import { versions } from "node:process";
import { CONNECTION_FIELDS } from "../../protocol/handshake/connection-fields.ts";

/** The content codings that `fetch` of this runtime decodes. */
const DECODED_CODINGS: ReadonlySet<string> = new Set(decodedCodings());

/** Node.js also decodes a body with several codings. */
const DECODES_SEVERAL = versions["undici"] !== undefined;

/** The fields for the connection to the other server. `fetch` drops the trailers that Trailer announces. */
const FOREIGN_FIELDS: ReadonlySet<string> = new Set([...CONNECTION_FIELDS, "trailer"]);

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
  const listed = listOf(headers.get("connection"));
  for (const name of answer.headers.keys()) {
    if (FOREIGN_FIELDS.has(name) || listed.includes(name)) headers.delete(name);
  }
  if (isDecoded(headers.get("content-encoding"))) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  return new Response(body, { status, statusText, headers });
}

function isDecoded(field: string | null): boolean {
  const codings = listOf(field);
  if (codings.length > 1 && !DECODES_SEVERAL) return false;
  return codings.length > 0 && codings.every((coding) => DECODED_CODINGS.has(coding));
}

/** The elements of a field, in lower case. */
function listOf(field: string | null): readonly string[] {
  return field === null ? [] : field.split(",").map((element) => element.trim().toLowerCase());
}

function decodedCodings(): readonly string[] {
  if (versions["deno"] !== undefined) return ["gzip", "br"];
  const codings = ["gzip", "x-gzip", "deflate", "br"];
  // `fetch` of Node.js is from undici, which decodes zstd since its version 7, in Node.js 24.
  const decodesZstd = versions["bun"] !== undefined || Number.parseInt(versions["undici"]!) >= 7;
  return decodesZstd ? [...codings, "zstd"] : codings;
}
