/** The two parts of the URL of a WebSocket on a Unix socket. */
export interface UnixUrl {
  readonly socketPath: string;
  /** What the request is made from: `ws://localhost/path?query`, or `wss:`. */
  readonly requestUrl: URL;
}

/**
 * Reads `ws+unix:/path/of/the.sock:/path?query`, the syntax of the `ws` package. The first colon ends
 * the path of the socket, in which a colon is written as `%3A`. Without it the request is for `/`.
 *
 * @returns undefined if `url` has another scheme, or is malformed
 */
export function readUnixUrl({ protocol, host, pathname, search }: URL): UnixUrl | undefined {
  if (!isUnixScheme(protocol) || host !== "") return undefined;
  const colon = pathname.indexOf(":");
  const socketPath = percentDecode(colon < 0 ? pathname : pathname.slice(0, colon));
  const requestPath = colon < 0 ? "/" : pathname.slice(colon + 1) || "/";
  // A path that names a NUL would end there.
  if (socketPath === "" || socketPath.includes("\0") || !requestPath.startsWith("/")) {
    return undefined;
  }
  const scheme = protocol === "wss+unix:" ? "wss" : "ws";
  return { socketPath, requestUrl: new URL(`${scheme}://localhost${requestPath}${search}`) };
}

/** Whether a URL of this scheme names a Unix socket. */
export function isUnixScheme(protocol: string): boolean {
  return protocol === "ws+unix:" || protocol === "wss+unix:";
}

/** A URL may hold a lone percent sign, which means itself. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
