import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** The host of a URL as `node:net` takes it: an IPv6 address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The port of a URL, or the default port of its scheme. */
export function portOf({ port }: URL, isSecure: boolean): number {
  return Number(port || (isSecure ? 443 : 80));
}

/**
 * The name of a server in a TLS handshake: a DNS name without a trailing dot (RFC 6066 3). Undefined for an
 * IP address, which is not sent.
 */
export function serverNameOf(host: string): string | undefined {
  return isIP(host) === 0 ? host.replace(/\.$/, "") : undefined;
}

/**
 * Connects over TLS, and offers HTTP/1.1.
 *
 * @param target the host, for the certificate too, with a port, the path of a Unix socket or a stream
 * @param tls further options of `tls.connect`; `servername` replaces the name of the host
 * @throws the error of `tls.connect` for an invalid option
 */
export function connectTls(target: ConnectionOptions & { host: string }, tls: object): TLSSocket {
  return connect({
    servername: serverNameOf(target.host),
    ...tls,
    ...target,
    ALPNProtocols: ["http/1.1"],
  });
}
