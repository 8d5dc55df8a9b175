import { invalidOption, shown } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { HeaderFields } from "../../protocol/handshake/index.ts";
import type { ApplicationOptions } from "../options/application-options.ts";
import {
  type ForwardedHop,
  MALFORMED_HOP,
  PROXY_HEADERS,
  readForwarded,
  readXForwarded,
} from "./forwarded-fields.ts";
import { type IpAddress, isInNetwork, parseIpAddress, parseIpNetwork } from "./ip-address.ts";

/**
 * The properties of a request that trusted proxies report. If a property is undefined, the property of the
 * connection applies.
 */
export interface ForwardedRequest {
  /** The client's IP address. */
  readonly remoteAddress: string | undefined;
  /** The host that the client asked for. */
  readonly host: string | undefined;
  /** Whether the client uses TLS. */
  readonly isSecure: boolean | undefined;
}

/** The IP address of the connection's peer; undefined for a Unix socket. */
export type PeerAddress = string | undefined;

/**
 * Reads the headers that trusted proxies have added to a request. Returns undefined if the peer is not
 * trusted, or if the headers are malformed; then the properties of the connection apply. Never throws.
 */
export type ProxyReader = (
  rawHeaders: readonly string[],
  peer: PeerAddress,
) => ForwardedRequest | undefined;

/** The options that configure trusted proxies. */
export type ProxyOptions = Pick<ApplicationOptions, "trustProxy" | "proxyHeaders">;

/** The maximum number of addresses on the way of a request: the client, and up to 31 proxies. */
const MAX_HOPS = 32;

/** Returns whether the proxy at `position` is trusted. The peer of the connection has position 1. */
type TrustTest = (address: IpAddress | undefined, position: number) => boolean;

/**
 * Compiles the options `trustProxy` and `proxyHeaders`. Returns undefined if no proxy is trusted.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function compileTrustProxy(
  { trustProxy, proxyHeaders }: ProxyOptions,
  where: string,
): ProxyReader | undefined {
  const names = compileNames(proxyHeaders, where);
  if (trustProxy === undefined) {
    if (proxyHeaders === undefined) return undefined;
    throw new UsageError(
      "INVALID_OPTION",
      `${where}: proxyHeaders needs trustProxy; pass both, or neither`,
    );
  }
  const isTrusted = compileTrust(trustProxy, where);
  return (rawHeaders, peer) => {
    const address = peer === undefined ? undefined : parseIpAddress(withoutZone(peer));
    if (peer !== undefined && (address === undefined || !isTrusted(address, 1))) return undefined;
    return readHops(new HeaderFields(select(rawHeaders, names)), isTrusted);
  };
}

function compileNames(proxyHeaders: unknown, where: string): readonly string[] {
  if (proxyHeaders === undefined) return PROXY_HEADERS;
  const known: readonly unknown[] = PROXY_HEADERS;
  if (Array.isArray(proxyHeaders) && proxyHeaders.every((name) => known.includes(name))) {
    return proxyHeaders as string[];
  }
  const expected = `a list with some of ${PROXY_HEADERS.join(", ")}`;
  throw invalidOption(where, "proxyHeaders", proxyHeaders, expected);
}

/** The headers that have one of these lower-case names. */
function select(rawHeaders: readonly string[], names: readonly string[]): readonly string[] {
  const selected: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (names.includes(rawHeaders[i].toLowerCase()))
      selected.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  return selected;
}

function readHops(fields: HeaderFields, isTrusted: TrustTest): ForwardedRequest | undefined {
  const isForwarded = fields.all("forwarded").length > 0;
  const hops = isForwarded ? readForwarded(fields) : readXForwarded(fields);
  let position = 1;
  let latest: ForwardedHop | undefined;
  for (const hop of hops) {
    position++;
    if (hop === MALFORMED_HOP || position > MAX_HOPS) return undefined;
    latest = hop;
    if (!isTrusted(hop.address, position)) break;
  }
  return latest && { ...latest, remoteAddress: latest.address?.text };
}

function compileTrust(trustProxy: unknown, where: string): TrustTest {
  if (typeof trustProxy === "number") {
    if (Number.isInteger(trustProxy) && trustProxy >= 1 && trustProxy < MAX_HOPS) {
      return (_address, position) => position <= trustProxy;
    }
  } else if (Array.isArray(trustProxy)) {
    const networks = Array.from(trustProxy, (entry: unknown) => {
      const network = typeof entry === "string" ? parseIpNetwork(entry) : undefined;
      if (network !== undefined) return network;
      throw new UsageError(
        "INVALID_OPTION",
        `${where}: trustProxy contains ${shown(entry)}; pass addresses or networks such as ` +
          '"127.0.0.1", "10.0.0.0/8" or "fd00::/8"',
      );
    });
    return (address) =>
      address !== undefined && networks.some((network) => isInNetwork(address, network));
  }
  throw invalidOption(
    where,
    "trustProxy",
    trustProxy,
    `a list of addresses and networks, or a number of proxies from 1 to ${MAX_HOPS - 1}`,
  );
}

/** Removes the interface that Node.js appends to a link-local address, as in "fe80::1%eth0". */
function withoutZone(address: string): string {
  const at = address.indexOf("%");
  return at < 0 ? address : address.slice(0, at);
}
