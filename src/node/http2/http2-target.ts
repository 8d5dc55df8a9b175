import { HeaderFields, type HttpRefusal } from "../../protocol/handshake/index.ts";
import {
  MALFORMED,
  MAX_HEADER_COUNT,
  type RequestTarget,
  toTarget,
  TOO_MANY_FIELDS,
} from "../requests/request-target.ts";

/** Reads the target of an HTTP/2 request over TLS (RFC 9113 8.3.1). */
export function readHttp2Target(rawHeaders: readonly string[]): RequestTarget | HttpRefusal {
  if (countFields(rawHeaders) > MAX_HEADER_COUNT) return TOO_MANY_FIELDS;
  const fields = new HeaderFields(rawHeaders);
  const path = fields.single(":path");
  // RFC 9113 8.3.1: a Host that differs from :authority makes the request malformed.
  const [host, ...others] = [...fields.all(":authority"), ...fields.all("host")];
  const isSameHost = others.every((other) => other.toLowerCase() === host.toLowerCase());
  if (path === undefined || !/^\/[^#]*$/.test(path) || !host || !isSameHost) {
    return MALFORMED;
  }
  return toTarget(host, path, true);
}

/** Counts the header fields, without pseudo-header fields, and with all cookie fields as one. */
function countFields(rawHeaders: readonly string[]): number {
  let count = 0;
  let hasCookie = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    // RFC 9113 8.2.3: a client may split its cookie field, so that it compresses better.
    if (name === "cookie") hasCookie = true;
    else if (!name.startsWith(":")) count++;
  }
  return hasCookie ? count + 1 : count;
}
