import { tryParseUrl } from "../../client/try-parse-url.ts";
import { isUnixScheme, readUnixUrl } from "../../client/unix-url.ts";
import { userInfoOf } from "../../node/client/basic-auth.ts";
import { hostOf } from "../../node/client/dial.ts";

/** The server that a client connects to, as its URL names it. */
export interface Address {
  /** The URL with the scheme `ws:`, `wss:`, `ws+unix:` or `wss+unix:`. */
  readonly url: URL;
  /** Whether the connection uses TLS. */
  readonly isSecure: boolean;
  /** The host name, without the brackets of an IPv6 address. */
  readonly host: string;
  /** The port in the URL, or the default port of the scheme. */
  readonly port: string | number;
  /** The path and the query of the request. */
  readonly path: string;
  /** The path of the Unix socket, if the URL names one. */
  readonly socketPath: string | undefined;
}

const SECURE = new Set(["wss:", "wss+unix:"]);

/** The WHATWG standard accepts `http:` and `https:` as aliases of `ws:` and `wss:`. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["http:", "ws:"],
  ["https:", "wss:"],
]);

/**
 * Reads the URL of a server.
 *
 * @throws SyntaxError if it is not a valid WebSocket URL
 */
export function readAddress(address: string | URL): Address {
  // A copy, because the caller may change a URL object.
  const url = parseUrl(String(address));
  url.protocol = ALIASES.get(url.protocol) ?? url.protocol;
  const isUnix = isUnixScheme(url.protocol);
  if (!isUnix && url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new SyntaxError(
      `The URL's protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"`,
    );
  }
  if (isUnix && url.pathname === "") throw new SyntaxError("The URL's pathname is empty");
  if (url.hash !== "") throw new SyntaxError("The URL contains a fragment identifier");
  const unix = readUnixUrl(url);
  if (isUnix && unix === undefined) throw invalidUrl(address);
  return addressOf(url, unix?.requestUrl ?? url, unix?.socketPath);
}

/**
 * Reads the `Location` of a redirect, which may be relative to the URL of the request. A relative URL keeps
 * the Unix socket of the request.
 *
 * @throws SyntaxError if the result is not a valid WebSocket URL
 */
export function resolveRedirect(location: string, { url, socketPath }: Address): Address {
  if (socketPath === undefined) return readAddress(parseUrl(location, url));
  if (tryParseUrl(location) !== undefined) return readAddress(location);
  const { requestUrl } = readUnixUrl(url)!;
  const resolved = parseUrl(location, requestUrl);
  if (resolved.host !== requestUrl.host) return readAddress(resolved);
  const [encodedPath] = url.pathname.split(":", 1);
  return readAddress(`${url.protocol}${encodedPath}:${resolved.pathname}${resolved.search}`);
}

/** The user name and the password of a URL, in the format of the option `auth`. Undefined if it has none. */
export function credentialsOf({ url }: Address): string | undefined {
  return userInfoOf(url);
}

/** Whether two addresses name the same host and port, or the same Unix socket. */
export function isSameHost(one: Address, other: Address): boolean {
  return one.socketPath === other.socketPath && one.url.host === other.url.host;
}

function addressOf(url: URL, requestUrl: URL, socketPath: string | undefined): Address {
  const isSecure = SECURE.has(url.protocol);
  return {
    url,
    isSecure,
    host: hostOf(requestUrl),
    port: requestUrl.port || (isSecure ? 443 : 80),
    path: `${requestUrl.pathname}${requestUrl.search}`,
    socketPath,
  };
}

/** @throws SyntaxError */
function parseUrl(text: string, base?: URL): URL {
  const url = tryParseUrl(text, base);
  if (url === undefined) throw invalidUrl(text);
  return url;
}

function invalidUrl(address: string | URL): SyntaxError {
  return new SyntaxError(`Invalid URL: ${String(address)}`);
}
