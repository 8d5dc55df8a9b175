import { HeaderFields, type HttpRefusal } from "../../protocol/handshake/index.ts";
import {
  MALFORMED,
  MAX_HEADER_COUNT,
  type RequestTarget,
  toTarget,
  TOO_MANY_FIELDS,
} from "../requests/request-target.ts";

/** Reads what a request of HTTP/2 that came by TLS is for (RFC 9113 8.3.1). */
export function readHttp2Target(rawHeaders: readonly string[]): RequestTarget | HttpRefusal {
  if (countFields(rawHeaders) > MAX_HEADER_COUNT) return TOO_MANY_FIELDS;
  const fields = new HeaderFields(rawHeaders);
  const path = fields.single(":path");
  // RFC 9113 8.3.1: a Host that is another than the :authority makes the request malformed.
  const [host, ...others] = [...fields.all(":authority"), ...fields.all("host")];
  const isSameHost = others.every((other) => other.toLowerCase() === host.toLowerCase());
  if (path === undefined || !/^\/[^#]*$/.test(path) || !host || !isSameHost) {
    return MALFORMED;
  }
  return toTarget(host, path, true);
}

/** Pseudo-header fields aside, and with what a client has split one cookie field into as one. */
function countFields(rawHeaders: readonly string[]): number {
  let count = 0;
  let hasCookie = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    // RFC 9113 8.2.3: a cookie field may come in crumbs, so that they compress better.
    if (name === "cookie") hasCookie = true;
    else if (!name.startsWith(":")) count++;
  }
  return hasCookie ? count + 1 : count;
}
