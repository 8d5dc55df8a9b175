import { type ExtensionOffer, parseExtensions } from "./extensions.ts";
import { type HeaderFields, parseTokenList } from "./header-fields.ts";
import { type HttpRefusal, refuse } from "./http-refusal.ts";

/** The offer of a valid opening handshake, over any HTTP version. */
export interface WebSocketOffer {
  readonly kind: "upgrade";
  /** The offered subprotocols, in the client's order of preference, without duplicates. */
  readonly protocols: readonly string[];
  /** The offered extensions, in the client's order of preference. */
  readonly extensions: readonly ExtensionOffer[];
}

/** The only version of the protocol (RFC 6455 4.1, item 9). */
export const WEBSOCKET_VERSION = "13";

/** Host = uri-host [ ":" port ] (RFC 9110 7.2), the host being a name or a bracketed address. */
const HOST = /^(?:\[[0-9A-Za-z:.~_-]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

/** Whether `value` names a host, with or without a port. */
export function isHost(value: string | undefined): boolean {
  return value !== undefined && HOST.test(value);
}

/** Whether the fields announce a body. Its bytes would be read as frames. */
export function announcesBody(fields: HeaderFields): boolean {
  return fields.all("transfer-encoding").length > 0 || fields.all("content-length").some(isLength);
}

/** Whether a Content-Length is not zero. */
function isLength(value: string): boolean {
  return !/^0+$/.test(value);
}

/** Reads the subprotocols and extensions offered (RFC 6455 4.2.1, items 8 and 9). */
export function readWebSocketOffer(fields: HeaderFields): WebSocketOffer | HttpRefusal {
  const protocols = parseSubprotocols(fields.all("sec-websocket-protocol"));
  if (protocols === undefined) {
    return refuse(400, "Sec-WebSocket-Protocol must be a list of different tokens.");
  }
  const extensions = parseExtensions(fields.all("sec-websocket-extensions"));
  if (extensions === undefined) {
    return refuse(400, "Sec-WebSocket-Extensions is malformed.");
  }
  return { kind: "upgrade", protocols, extensions };
}

/** Returns the WebSocket version that the request names; undefined if it names several. */
export function readVersion(fields: HeaderFields): string | undefined {
  const versions = fields.all("sec-websocket-version");
  // RFC 6455 11.3.5: never more than one in a request.
  return versions.length > 1 || versions[0]?.includes(",") ? undefined : (versions[0] ?? "");
}

/** RFC 6455 4.1, item 10: one or more tokens, which MUST all be different. */
function parseSubprotocols(values: readonly string[]): readonly string[] | undefined {
  if (values.length === 0) return values;
  const protocols = parseTokenList(values);
  if (protocols === undefined || new Set(protocols).size < protocols.length) return undefined;
  return protocols.length === 0 ? undefined : protocols;
}
