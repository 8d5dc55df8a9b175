import { type HeaderFields, trimWhitespace } from "../../protocol/handshake/header-fields.ts";
import type { ProxyHeader } from "../options/application-options.ts";
import { type IpAddress, parseIpAddress } from "./ip-address.ts";

/** All headers that this module reads. */
export const PROXY_HEADERS: readonly ProxyHeader[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
];

/** How one proxy describes the request that it received. */
export interface ForwardedHop {
  /** The address from which the proxy received the request; undefined if the proxy does not report it. */
  readonly address: IpAddress | undefined;
  readonly host: string | undefined;
  readonly isSecure: boolean | undefined;
}

/** Marks a field that is malformed or too long. */
export const MALFORMED_HOP: unique symbol = Symbol("malformed");

export type ForwardedHops = Iterable<ForwardedHop | typeof MALFORMED_HOP>;

const MAX_FIELD_CHARS = 8192;

/** Room for the longest host: a name of 253 characters, a colon and a port. */
const MAX_HOST_CHARS = 260;

/** A host with an optional port (RFC 9110 7.2): a name, or a bracketed address. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]{1,5})?$/;

/** One parameter of an element: token "=" ( token | quoted-string ) (RFC 7239 4). */
const PAIR =
  /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")[ \t]*([;,]|$)/y;

/**
 * A node (RFC 7239 6). Group 1 is an IPv6 address, and group 2 is an IPv4 address. Other nodes have neither
 * group.
 */
const NODE =
  /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)|unknown|_[0-9A-Za-z._-]+)(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?$/i;

/** Reads the `Forwarded` fields (RFC 7239) from the last proxy to the first. */
export function* readForwarded(fields: HeaderFields): ForwardedHops {
  for (const value of fields.all("forwarded").toReversed()) {
    const elements = parseForwarded(value);
    if (elements === undefined) yield MALFORMED_HOP;
    else yield* elements.toReversed().map(toHop);
  }
}

/** The elements of one field line, each as a map of its parameters by lower-case name. */
function parseForwarded(value: string): Array<Map<string, string>> | undefined {
  if (value.length > MAX_FIELD_CHARS) return undefined;
  const elements: Array<Map<string, string>> = [];
  let element = new Map<string, string>();
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(value);
    if (match === null) return undefined;
    const [, name, token, quoted, delimiter] = match;
    // RFC 7239 4: a parameter MUST NOT occur more than once in an element.
    if (element.has(name.toLowerCase())) return undefined;
    // The value of a parameter is either a token or a quoted string.
    element.set(name.toLowerCase(), token ?? quoted.replaceAll(/\\(.)/g, "$1"));
    if (delimiter === ";") continue;
    elements.push(element);
    if (delimiter === "") return elements;
    element = new Map();
  }
}

function toHop(element: Map<string, string>): ForwardedHop | typeof MALFORMED_HOP {
  const address = parseNode(element.get("for") ?? "unknown");
  const host = parseHost(element.get("host"));
  const isSecure = parseScheme(element.get("proto"));
  if (address === MALFORMED_HOP || host === MALFORMED_HOP || isSecure === MALFORMED_HOP) {
    return MALFORMED_HOP;
  }
  return { address, host, isSecure };
}

/** Reads the `X-Forwarded-*` fields from the last proxy to the first. */
export function* readXForwarded(fields: HeaderFields): ForwardedHops {
  let depth = 0;
  for (const node of fromTheRight(fields.all("x-forwarded-for"))) {
    depth++;
    const address = parseXNode(node);
    yield address === MALFORMED_HOP ? MALFORMED_HOP : describeHop(fields, depth, address);
  }
  // A proxy may send the scheme and the host without the address.
  if (depth === 0) yield describeHop(fields, 1, undefined);
}

function describeHop(
  fields: HeaderFields,
  depth: number,
  address: IpAddress | undefined,
): ForwardedHop | typeof MALFORMED_HOP {
  const isSecure = parseScheme(valueAt(fields.all("x-forwarded-proto"), depth));
  const host = parseHost(valueAt(fields.all("x-forwarded-host"), depth));
  const port = valueAt(fields.all("x-forwarded-port"), depth);
  if (isSecure === MALFORMED_HOP || host === MALFORMED_HOP) return MALFORMED_HOP;
  if (port !== undefined && !/^[0-9]{1,5}$/.test(port)) return MALFORMED_HOP;
  return { address, isSecure, host: host && withPort(host, port) };
}

/**
 * Adds the port, unless it is a default port: an inner proxy may report the port of its own connection
 * without TLS.
 */
function withPort(host: string, port: string | undefined): string {
  const needsPort = port !== undefined && port !== "80" && port !== "443" && !/:[0-9]+$/.test(host);
  return needsPort ? `${host}:${port}` : host;
}

/**
 * Returns the element that the proxy `depth` hops away wrote, counted from the right. If there are fewer
 * elements, it returns the first one: the outermost proxy has set the field, and the others have not changed
 * it.
 */
function valueAt(values: readonly string[], depth: number): string | undefined {
  let value: string | undefined;
  let position = 0;
  for (const element of fromTheRight(values)) {
    value = element;
    if (++position === depth) break;
  }
  return value;
}

/** The elements of a list that may be spread over several fields, from the last to the first. */
function* fromTheRight(values: readonly string[]): Iterable<string> {
  for (const value of values.toReversed()) {
    let end = value.length;
    while (end >= 0) {
      const comma = end === 0 ? -1 : value.lastIndexOf(",", end - 1);
      yield trimWhitespace(value.slice(comma + 1, end));
      end = comma;
    }
  }
}

function parseNode(node: string): IpAddress | undefined | typeof MALFORMED_HOP {
  const match = NODE.exec(node);
  if (match === null) return MALFORMED_HOP;
  const [, ipv6, ipv4] = match;
  if (ipv6 === undefined && ipv4 === undefined) return undefined;
  const address = parseIpAddress(ipv6 ?? ipv4);
  const isOfItsForm = (address !== undefined && ipv6 === undefined) || ipv6?.includes(":");
  return isOfItsForm ? (address ?? MALFORMED_HOP) : MALFORMED_HOP;
}

/** Unlike in `Forwarded`, an IPv6 address needs no brackets here. */
function parseXNode(node: string): IpAddress | undefined | typeof MALFORMED_HOP {
  return parseIpAddress(node) ?? parseNode(node);
}

function parseScheme(scheme: string | undefined): boolean | undefined | typeof MALFORMED_HOP {
  if (scheme === undefined) return undefined;
  // Some proxies send "ws" or "wss".
  const match = /^(?:http|ws)(s?)$/i.exec(scheme);
  return match === null ? MALFORMED_HOP : match[1] !== "";
}

function parseHost(host: string | undefined): string | undefined | typeof MALFORMED_HOP {
  if (host === undefined) return undefined;
  return host.length <= MAX_HOST_CHARS && HOST.test(host) ? host : MALFORMED_HOP;
}
