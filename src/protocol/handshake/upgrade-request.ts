import { isKey } from "./accept-key.ts";
import { type ExtensionOffer, parseExtensions } from "./extensions.ts";
import { HeaderFields, listElements, parseTokenList } from "./header-fields.ts";

/** An HTTP request that asks for the WebSocket protocol, already parsed as HTTP. */
export interface UpgradeRequest {
  readonly method: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** name, value, name, value..., as `node:http` has them: values without white space around. */
  readonly rawHeaders: readonly string[];
}

/** The request is a valid opening handshake; what to answer is for the server to choose. */
export interface UpgradeOffer {
  readonly kind: "upgrade";
  /** The `Sec-WebSocket-Key`, for `computeAcceptKey`. */
  readonly key: string;
  /** The subprotocols offered, in the client's order of preference, without repetition. */
  readonly protocols: readonly string[];
  /** The extensions offered, in the client's order of preference. */
  readonly extensions: readonly ExtensionOffer[];
}

/** The request is no valid opening handshake; `writeRefusal` makes the answer it is owed. */
export interface UpgradeRefusal {
  readonly kind: "refuse";
  readonly status: number;
  /** Header fields that this status calls for. */
  readonly headers: Readonly<Record<string, string>>;
  /** A sentence for the peer; holds nothing of what it sent. Empty in answer to HEAD. */
  readonly message: string;
}

export type UpgradeOutcome = UpgradeOffer | UpgradeRefusal;

/** The one version of the protocol there is (RFC 6455 4.1, item 9). */
export const WEBSOCKET_VERSION = "13";

/**
 * Judges a client's opening handshake by RFC 6455 4.2.1. Never throws; linear in the header's size.
 * The origin is the server's policy and is not looked at.
 *
 * The refusals: 400 for what is malformed, 405 for another method than GET, 426 for a request that
 * asks for no WebSocket or for another version of it.
 */
export function readUpgradeRequest(request: UpgradeRequest): UpgradeOutcome {
  const fields = new HeaderFields(request.rawHeaders);
  return (
    checkHttp(request, fields) ?? checkUpgrade(fields) ?? checkVersion(fields) ?? readOffer(fields)
  );
}

/** RFC 6455 4.2.1, items 1 and 2: a GET request of HTTP/1.1 or higher to a host. */
function checkHttp(request: UpgradeRequest, fields: HeaderFields): UpgradeRefusal | undefined {
  const { method, httpVersionMajor: major, httpVersionMinor: minor } = request;
  if (method !== "GET") {
    const message = method === "HEAD" ? "" : "A WebSocket is opened with the method GET.";
    return refuse(405, message, { Allow: "GET" });
  }
  // RFC 9110 7.8: an Upgrade in an HTTP/1.0 request MUST be ignored.
  if (major < 1 || (major === 1 && minor < 1)) {
    return refuse(400, "A WebSocket is opened with HTTP/1.1 or higher.");
  }
  if (!isHost(fields.single("host"))) {
    return refuse(400, "The request needs exactly one valid Host header.");
  }
  // Bytes of a body would be taken for frames.
  if (announcesBody(fields)) {
    return refuse(400, "A request that opens a WebSocket has no body.");
  }
  return undefined;
}

/** RFC 6455 4.2.1, items 3 and 4. */
function checkUpgrade(fields: HeaderFields): UpgradeRefusal | undefined {
  // Without the u flag, /i folds no character beyond ASCII into ASCII.
  if (!listElements(fields.all("upgrade")).some((protocol) => /^websocket$/i.test(protocol))) {
    return upgradeRequired("This resource speaks WebSocket: the request needs Upgrade: websocket.");
  }
  // RFC 9110 7.8: an Upgrade that Connection does not name is not meant for this hop.
  if (!listElements(fields.all("connection")).some((option) => /^upgrade$/i.test(option))) {
    return upgradeRequired(
      "This resource speaks WebSocket: the request needs Connection: Upgrade.",
    );
  }
  return undefined;
}

function upgradeRequired(message: string): UpgradeRefusal {
  return refuse(426, message, { Upgrade: "websocket" });
}

/** RFC 6455 4.2.1, item 6, and 4.4: another version is answered with the one supported. */
function checkVersion(fields: HeaderFields): UpgradeRefusal | undefined {
  const versions = fields.all("sec-websocket-version");
  // RFC 6455 11.3.5: never more than one in a request.
  if (versions.length > 1 || versions[0]?.includes(",")) {
    return refuse(400, "The request names several WebSocket versions.");
  }
  if (versions[0] === WEBSOCKET_VERSION) return undefined;
  return refuse(426, `The WebSocket version supported is ${WEBSOCKET_VERSION}.`, {
    Upgrade: "websocket",
    "Sec-WebSocket-Version": WEBSOCKET_VERSION,
  });
}

/** RFC 6455 4.2.1, items 5, 8 and 9. */
function readOffer(fields: HeaderFields): UpgradeOutcome {
  const key = fields.single("sec-websocket-key");
  if (key === undefined || !isKey(key)) {
    return refuse(400, "The request needs exactly one Sec-WebSocket-Key of 16 bytes in base64.");
  }
  const protocols = parseSubprotocols(fields.all("sec-websocket-protocol"));
  if (protocols === undefined) {
    return refuse(400, "Sec-WebSocket-Protocol is not a list of different tokens.");
  }
  const extensions = parseExtensions(fields.all("sec-websocket-extensions"));
  if (extensions === undefined) {
    return refuse(400, "Sec-WebSocket-Extensions is malformed.");
  }
  return { kind: "upgrade", key, protocols, extensions };
}

/** RFC 6455 4.1, item 10: one or more tokens, which MUST all be different. */
function parseSubprotocols(values: readonly string[]): string[] | undefined {
  const protocols = parseTokenList(values);
  if (protocols === undefined || new Set(protocols).size < protocols.length) return undefined;
  return protocols.length === 0 && values.length > 0 ? undefined : protocols;
}

/** Host = uri-host [ ":" port ] (RFC 9110 7.2), the host being a name or a bracketed address. */
const HOST = /^(?:\[[0-9A-Za-z:.~_-]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

function isHost(value: string | undefined): boolean {
  return value !== undefined && HOST.test(value);
}

function announcesBody(fields: HeaderFields): boolean {
  return (
    fields.all("transfer-encoding").length > 0 ||
    fields.all("content-length").some((length) => !/^0+$/.test(length))
  );
}

function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): UpgradeRefusal {
  return { kind: "refuse", status, headers, message };
}
