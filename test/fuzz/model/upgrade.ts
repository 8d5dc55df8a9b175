/**
 * Whether a head opens a WebSocket, item by item as in RFC 6455 4.1 and 4.2.1. A second
 * implementation for comparison.
 */
import { type ModelExtension, readExtensionFields } from "./extensions.ts";

const HOST = /^([\w\-.~!$&'()*+,;=%]+|\[[\w:.~-]+\])(:[0-9]*)?$/;

export type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/** The offer to the server, or undefined if the request is not an opening handshake. */
export function readRequest(
  method: string,
  version: readonly [major: number, minor: number],
  fields: Fields,
): { protocols: string[]; extensions: ModelExtension[] } | undefined {
  const protocolFields = all(fields, "sec-websocket-protocol");
  const protocols = elements(protocolFields);
  const extensions = readExtensionFields(all(fields, "sec-websocket-extensions"));
  const conditions = [
    // 1: a GET of HTTP/1.1 or higher.
    method === "GET" && (version[0] > 1 || (version[0] === 1 && version[1] >= 1)),
    // 2, and RFC 9112 3.2: one valid Host.
    isOne(all(fields, "host"), HOST),
    // 3 and 4.
    elements(all(fields, "upgrade")).some((element) => lowered(element) === "websocket"),
    elements(all(fields, "connection")).some((element) => lowered(element) === "upgrade"),
    // 5: 16 bytes in base64.
    isOne(all(fields, "sec-websocket-key"), /^[A-Za-z0-9+/]{22}==$/),
    // 6.
    isOne(all(fields, "sec-websocket-version"), /^13$/),
    // 8, and item 10 of 4.1: at least one token, without duplicates.
    protocols.every((name) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)),
    new Set(protocols).size === protocols.length,
    protocols.length > 0 || protocolFields.length === 0,
    // 9.
    extensions !== undefined,
    // A body would be read as frames.
    all(fields, "transfer-encoding").length === 0,
    all(fields, "content-length").every((length) => /^0+$/.test(length)),
  ];
  if (extensions === undefined || !conditions.every(Boolean)) return undefined;
  return { protocols, extensions };
}

/**
 * The offer to the server over HTTP/2 (RFC 8441 4 and 5), or undefined if the request is not an
 * opening handshake.
 */
export function readExtendedRequest(
  fields: Fields,
): { protocols: string[]; extensions: ModelExtension[] } | undefined {
  const [authority = ""] = all(fields, ":authority");
  const rest = fields.filter(([name]) => !name.startsWith(":"));
  const conditions = [
    // RFC 8441 4: CONNECT, and each of the four pseudo-header fields once.
    isOne(all(fields, ":method"), /^CONNECT$/),
    isOne(all(fields, ":protocol"), /^[Ww][Ee][Bb][Ss][Oo][Cc][Kk][Ee][Tt]$/),
    isOne(all(fields, ":scheme"), /^[Hh][Tt][Tt][Pp][Ss]?$/),
    isOne(all(fields, ":authority"), HOST),
    isOne(all(fields, ":path"), /^\/[^#]*$/),
    // RFC 9113 8.2.2 and RFC 8441 5: no fields for a connection of HTTP/1.1.
    !["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"].some(
      (name) => all(fields, name).length > 0,
    ),
    all(fields, "te").every((coding) => lowered(coding) === "trailers"),
    // RFC 9113 8.3.1.
    all(fields, "host").every((host) => lowered(host) === lowered(authority)),
  ];
  // RFC 8441 5: the rest is as in RFC 6455, without the key.
  const asBefore: Fields = [
    ...rest.filter(([name]) => !["host", "sec-websocket-key"].includes(name.toLowerCase())),
    ["host", "a"],
    ["upgrade", "websocket"],
    ["connection", "upgrade"],
    ["sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="],
  ];
  return conditions.every(Boolean) ? readRequest("GET", [1, 1], asBefore) : undefined;
}

export interface Asked {
  readonly accept: string;
  readonly protocols: readonly string[];
  readonly extensions: readonly string[];
  readonly requireProtocol: boolean;
}

/** The agreement for the client, or undefined if the response does not open the connection. */
export function readResponse(
  status: number,
  version: readonly [major: number, minor: number],
  fields: Fields,
  asked: Asked,
): { protocol: string; extensions: ModelExtension[] } | undefined {
  const chosen = all(fields, "sec-websocket-protocol");
  const extensions = readExtensionFields(all(fields, "sec-websocket-extensions"));
  const conditions = [
    status === 101 && version[0] === 1 && version[1] === 1,
    isOne(all(fields, "upgrade"), /^[Ww][Ee][Bb][Ss][Oo][Cc][Kk][Ee][Tt]$/),
    elements(all(fields, "connection")).some((element) => lowered(element) === "upgrade"),
    elements(all(fields, "connection")).every((element) =>
      /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(element),
    ),
    all(fields, "sec-websocket-accept").join("\n") === asked.accept,
    extensions?.every(([name]) => asked.extensions.includes(name)),
    chosen.length <= 1 && chosen.every((name) => asked.protocols.includes(name)),
    // WHATWG WebSockets: the server must select an offered subprotocol.
    chosen.length === 1 || asked.protocols.length === 0 || !asked.requireProtocol,
  ];
  if (extensions === undefined || !conditions.every((holds) => holds === true)) return undefined;
  return { protocol: chosen[0] ?? "", extensions };
}

function all(fields: Fields, name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

function isOne(values: readonly string[], pattern: RegExp): boolean {
  return values.length === 1 && pattern.test(values[0]);
}

/** In ASCII only: toLowerCase turns the Kelvin sign into a k. */
function lowered(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** RFC 9110 5.6.1. */
function elements(values: readonly string[]): string[] {
  return values
    .join(",")
    .split(",")
    .map((element) => element.replace(/^[ \t]+/, "").replace(/[ \t]+$/, ""))
    .filter((element) => element !== "");
}
