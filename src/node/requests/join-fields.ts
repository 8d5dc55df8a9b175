/**
 * Joins the values of repeated fields, as the Fetch standard does.
 *
 * @param rawHeaders name, value, name, value..., as `node:http` and `node:http2` provide them
 */
export function joinFields(rawHeaders: readonly string[]): Record<string, string> {
  // Without a prototype, because a client may send a field named `__proto__`.
  const joined: Record<string, string> = Object.create(null);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    // The pseudo-header fields of HTTP/2 are not fields of the request (RFC 9113 8.3).
    if (name.startsWith(":")) continue;
    const earlier = joined[name];
    // RFC 9113 8.2.3: the parts of a cookie field are joined with "; ".
    const separator = name === "cookie" ? "; " : ", ";
    const value = rawHeaders[i + 1];
    joined[name] = earlier === undefined ? value : `${earlier}${separator}${value}`;
  }
  return joined;
}
