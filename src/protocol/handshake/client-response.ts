import { HandshakeError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { type ExtensionOffer, parseExtensions } from "./extensions.ts";
import { HeaderFields, parseTokenList } from "./header-fields.ts";
import type { HttpHead, StatusLine } from "./http-head.ts";
import { UnexpectedStatusError } from "./unexpected-status-error.ts";

/** The client's offer, by which the response is checked. */
export interface UpgradeExpectation {
  readonly acceptKey: string;
  readonly protocols?: readonly string[];
  readonly extensions?: readonly ExtensionOffer[];
  readonly requireProtocol?: boolean;
}

/** The server's choice. */
export interface UpgradeAnswer {
  readonly protocol: string;
  readonly extensions: readonly ExtensionOffer[];
  readonly headers: HeaderFields;
}

/** Checks the final response to an opening handshake (RFC 6455 4.1). Returns an error if it is invalid. */
export function readUpgradeAnswer(
  { startLine, rawHeaders }: HttpHead<StatusLine>,
  expected: UpgradeExpectation,
): UpgradeAnswer | HandshakeError {
  const headers = new HeaderFields(rawHeaders);
  const error =
    checkStatus(startLine, headers) ??
    checkUpgrade(headers) ??
    checkAccept(headers, expected.acceptKey);
  if (error !== undefined) return error;
  const extensions = readExtensions(headers, expected.extensions ?? []);
  if (extensions instanceof HandshakeError) return extensions;
  const protocol = readSubprotocol(headers, expected);
  if (protocol instanceof HandshakeError) return protocol;
  return { protocol, extensions, headers };
}

/** Item 1: "If the status code received from the server is not 101". */
function checkStatus(startLine: StatusLine, headers: HeaderFields): HandshakeError | undefined {
  const { status, reason, versionMajor, versionMinor } = startLine;
  if (status !== 101) return new UnexpectedStatusError(status, reason, { headers });
  if (versionMajor === 1 && versionMinor === 1) return undefined;
  return new HandshakeError(
    "MALFORMED_RESPONSE",
    `the server switched protocols in HTTP/${versionMajor}.${versionMinor} instead of HTTP/1.1`,
  );
}

/** Items 2 and 3. */
function checkUpgrade(headers: HeaderFields): HandshakeError | undefined {
  // Without the u flag, /i folds no character beyond ASCII into ASCII.
  if (!/^websocket$/i.test(headers.single("upgrade") ?? "")) {
    return invalidUpgrade("Upgrade", "is not exactly websocket", headers);
  }
  const options = parseTokenList(headers.all("connection")) ?? [];
  if (options.some((option) => /^upgrade$/i.test(option))) return undefined;
  return invalidUpgrade("Connection", "does not list Upgrade", headers);
}

function invalidUpgrade(name: string, what: string, headers: HeaderFields): HandshakeError {
  return new HandshakeError(
    "INVALID_UPGRADE",
    `the response's ${name} ${what}: ${quoteAll(headers.all(name.toLowerCase()))}`,
  );
}

/** Item 4; RFC 6455 11.3.3: the field MUST NOT occur more than once. */
function checkAccept(headers: HeaderFields, acceptKey: string): HandshakeError | undefined {
  if (headers.single("sec-websocket-accept") === acceptKey) return undefined;
  const received = quoteAll(headers.all("sec-websocket-accept"));
  return new HandshakeError(
    "INVALID_ACCEPT",
    `the response's Sec-WebSocket-Accept does not match the Sec-WebSocket-Key of the request: ${received}`,
  );
}

/** Item 5: no extension that was not requested. */
function readExtensions(
  headers: HeaderFields,
  offered: readonly ExtensionOffer[],
): ExtensionOffer[] | HandshakeError {
  const values = headers.all("sec-websocket-extensions");
  const extensions = parseExtensions(values);
  const isOffered = ({ name }: ExtensionOffer): boolean =>
    offered.some((offer) => offer.name === name);
  if (extensions?.every(isOffered)) return extensions;
  return new HandshakeError(
    "INVALID_EXTENSION",
    extensions === undefined
      ? `the response's Sec-WebSocket-Extensions is malformed: ${quoteAll(values)}`
      : `the server accepted an extension that the client did not offer: ${quoteAll(values)}`,
  );
}

/** Item 6: no subprotocol that was not requested. RFC 6455 11.3.4: the field MUST NOT occur twice. */
function readSubprotocol(
  headers: HeaderFields,
  { protocols = [], requireProtocol = false }: UpgradeExpectation,
): string | HandshakeError {
  const values = headers.all("sec-websocket-protocol");
  if (values.length === 1 && protocols.includes(values[0])) return values[0];
  if (values.length > 0) {
    return new HandshakeError(
      "INVALID_SUBPROTOCOL",
      `the server chose the subprotocol ${quoteAll(values)}, but the client offered ${quoteAll(protocols)}`,
    );
  }
  // WHATWG WebSockets, "establish a WebSocket connection": fail if protocols is not the empty list
  // and the response has no Sec-WebSocket-Protocol.
  if (protocols.length === 0 || !requireProtocol) return "";
  return new HandshakeError(
    "MISSING_SUBPROTOCOL",
    `the server chose none of the offered subprotocols: ${quoteAll(protocols)}`,
  );
}

const MAX_QUOTED_CHARS = 100;

/** Quotes received values, but not all of a long header. */
function quoteAll(values: readonly string[]): string {
  if (values.length === 0) return "none";
  const text = values.map(quote).join(", ");
  return text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}...`;
}
