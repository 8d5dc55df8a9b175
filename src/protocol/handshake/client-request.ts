import { UsageError } from "../../errors/index.ts";
import { type ExtensionOffer, serializeExtensions } from "./extensions.ts";
import { isToken } from "./header-fields.ts";
import {
  type HeaderInit,
  headerPairs,
  invalidHeader,
  isHandshakeField,
  writeCallerHeaders,
} from "./header-writer.ts";
import { WEBSOCKET_VERSION } from "./web-socket-offer.ts";

/** The parts of a URL that the opening handshake uses. A `URL` has all of them. */
export interface UrlParts {
  /** The scheme with its colon. */
  readonly protocol: string;
  /** The host in ASCII, and the port after a colon unless it is the scheme's default port. */
  readonly host: string;
  /** The path, with its leading slash. */
  readonly pathname: string;
  /** The query with its question mark, or the empty string. */
  readonly search: string;
}

export interface UpgradeRequestParts {
  readonly url: UrlParts;
  readonly protocols?: readonly string[];
  readonly extensions?: readonly ExtensionOffer[];
  /** Further fields. `host` replaces the host of the URL. */
  readonly headers?: HeaderInit;
}

/**
 * Writes the request of the opening handshake (RFC 6455 4.1), one character a byte.
 *
 * @throws UsageError for values that cannot be sent, with a code of `ClientHandshake`.
 */
export function writeUpgradeRequest(parts: UpgradeRequestParts, key: string): string {
  const { url, protocols = [], extensions = [], headers = {} } = parts;
  const { host = hostField(url), others } = splitHost(headers);
  let head = `GET ${requestTarget(url)} HTTP/1.1\r\nHost: ${host}\r\n`;
  head += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  head += `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: ${WEBSOCKET_VERSION}\r\n`;
  if (protocols.length > 0) {
    head += `Sec-WebSocket-Protocol: ${checkSubprotocols(protocols).join(", ")}\r\n`;
  }
  if (extensions.length > 0) {
    head += `Sec-WebSocket-Extensions: ${serializeExtensions(extensions)}\r\n`;
  }
  return `${head}${writeCallerHeaders(others, isHandshakeField)}\r\n`;
}

interface SplitHeaders {
  /** The caller's own `Host`. */
  readonly host?: string;
  readonly others: ReadonlyArray<readonly [string, string]>;
}

function splitHost(headers: HeaderInit): SplitHeaders {
  const fields = [...headerPairs(headers)];
  const others = fields.filter(([name]) => name.toLowerCase() !== "host");
  if (others.length === fields.length) return { others };
  const [[, host], ...more] = fields.filter(([name]) => name.toLowerCase() === "host");
  // RFC 9112 3.2: a server refuses a request with several Host fields, or an invalid one.
  if (more.length > 0) throw invalidHeader("headers has host more than once");
  if (typeof host !== "string" || !HOST.test(host)) {
    throw invalidHeader(`${JSON.stringify(host)} is not a host and port`);
  }
  return { host, others };
}

/** Host = uri-host [ ":" port ] (RFC 9110 7.2), the host being a name or a bracketed address. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

/** RFC 6455 4.1, item 2: the resource name, which has no fragment. */
function requestTarget({ pathname, search }: UrlParts): string {
  const target = (pathname === "" ? "/" : pathname) + search;
  if (/^\/[\x21-\x22\x24-\x7e]*$/.test(target)) return target;
  throw new UsageError(
    "INVALID_URL",
    `the path and query ${JSON.stringify(target)} contain characters that a request cannot contain; percent-encode them (RFC 6455 3)`,
  );
}

/** RFC 6455 4.1, item 4: the host, and the port unless it is the scheme's default. */
function hostField({ protocol, host }: UrlParts): string {
  const defaultPort = DEFAULT_PORTS.get(protocol);
  if (defaultPort === undefined) {
    throw new UsageError(
      "INVALID_URL",
      `the URL scheme ${JSON.stringify(protocol)} is not supported; use ws:, wss:, http: or https:`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(host) || /[/?#@\\]/.test(host)) {
    throw new UsageError("INVALID_URL", `${JSON.stringify(host)} is not a host (RFC 6455 3)`);
  }
  return host.endsWith(defaultPort) ? host.slice(0, -defaultPort.length) : host;
}

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["ws:", ":80"],
  ["http:", ":80"],
  ["wss:", ":443"],
  ["https:", ":443"],
]);

/** RFC 6455 4.1, item 10: the subprotocols are tokens, and all different. */
function checkSubprotocols(protocols: readonly string[]): readonly string[] {
  const bad = protocols.find(
    (protocol, index) => !isToken(protocol) || protocols.indexOf(protocol) < index,
  );
  if (bad === undefined) return protocols;
  throw new UsageError(
    "INVALID_SUBPROTOCOL",
    `the subprotocol ${JSON.stringify(bad)} is not a token, or is offered twice (RFC 6455 4.1)`,
  );
}
