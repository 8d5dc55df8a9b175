import { type Address, credentialsOf, isSameHost } from "./address.ts";
import type { OutgoingHttpHeaders } from "node:http";

/** The parts of a request that identify the client or its user to the server. */
export interface Credentials {
  readonly headers: OutgoingHttpHeaders;
  /** `user:password` of Basic authentication, unless there is an `authorization` header. */
  readonly auth: string | undefined;
  /** The option `socketPath`: connects to this Unix socket instead of the host of the URL. */
  readonly socketPath: string | undefined;
}

/** Only the server that the application named may get these headers. */
const CONFIDENTIAL = ["authorization", "cookie", "proxy-authorization"];

/** Adds the user name and the password of the URL, unless `auth` is set. */
export function withUserInfo(credentials: Credentials, address: Address): Credentials {
  return { ...credentials, auth: credentials.auth ?? credentialsOf(address) };
}

/**
 * Removes credentials that a redirect must not send to another host, or from TLS to plain text.
 *
 * @param first the address that the application named
 * @param next the address of the redirect
 */
export function redirectCredentials(
  credentials: Credentials,
  first: Address,
  next: Address,
): Credentials {
  const staysOnHost = isSameHost(first, next);
  if (staysOnHost && (next.isSecure || !first.isSecure)) return withUserInfo(credentials, next);
  const removed = staysOnHost ? CONFIDENTIAL : [...CONFIDENTIAL, "host"];
  const headers = Object.entries(credentials.headers).filter(
    ([name]) => !removed.includes(name.toLowerCase()),
  );
  return {
    headers: Object.fromEntries(headers),
    auth: undefined,
    socketPath: staysOnHost ? credentials.socketPath : undefined,
  };
}
