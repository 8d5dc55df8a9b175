/** The two parts of a `ws+unix:` URL, which addresses a WebSocket on a Unix socket. */
export interface UnixUrl {
  readonly socketPath: string;
  /** The URL of the request: `ws://localhost/path?query`, or the same with `wss:`. */
  readonly requestUrl: URL;
}

/**
 * Reads `ws+unix:/path/of/the.sock:/path?query`, the syntax of the `ws` package. The first colon ends the
 * path of the socket; write a colon in that path as `%3A`. Without a colon, the path of the request is `/`.
 *
 * @returns undefined if `url` has another scheme, or is malformed
 */
export function readUnixUrl({ protocol, host, pathname, search }: URL): UnixUrl | undefined {
  if (!isUnixScheme(protocol) || host !== "") return undefined;
  const colon = pathname.indexOf(":");
  const socketPath = percentDecode(colon < 0 ? pathname : pathname.slice(0, colon));
  const requestPath = colon < 0 ? "/" : pathname.slice(colon + 1) || "/";
  // The system would end the path at a NUL.
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

/** Decodes percent-encoding. Returns the text unchanged if its encoding is not valid. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
