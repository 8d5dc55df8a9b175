import { isKey } from "./accept-key.ts";
import { HeaderFields } from "./header-fields.ts";
import { type HttpRefusal, refuse } from "./http-refusal.ts";
import {
  announcesBody,
  isHost,
  readVersion,
  readWebSocketOffer,
  WEBSOCKET_VERSION,
  type WebSocketOffer,
} from "./web-socket-offer.ts";

/** A parsed HTTP request for a WebSocket. */
export interface UpgradeRequest {
  readonly method: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** name, value, name, value..., as in `node:http`; the values without surrounding white space. */
  readonly rawHeaders: readonly string[];
}

/** The offer of a valid opening handshake. The server chooses its answer. */
export interface UpgradeOffer extends WebSocketOffer {
  /** The `Sec-WebSocket-Key`, from which `acceptUpgrade` computes `Sec-WebSocket-Accept`. */
  readonly key: string;
}

/** A valid opening handshake, or the response that refuses it; see `writeRefusal`. */
export type UpgradeOutcome = UpgradeOffer | HttpRefusal;

/**
 * Checks a client's opening handshake by RFC 6455 4.2.1. Never throws; takes time linear in the size of the
 * header. It does not check the origin, which is the server's policy.
 *
 * A malformed request gets 400, and a method other than GET gets 405. A request that does not ask for a
 * WebSocket, or asks for another WebSocket version, gets 426.
 */
export function readUpgradeRequest(request: UpgradeRequest): UpgradeOutcome {
  const fields = new HeaderFields(request.rawHeaders);
  return (
    checkHttp(request, fields) ?? checkUpgrade(fields) ?? checkVersion(fields) ?? readOffer(fields)
  );
}

/** RFC 6455 4.2.1, items 1 and 2: a GET request of HTTP/1.1 or higher to a host. */
function checkHttp(request: UpgradeRequest, fields: HeaderFields): HttpRefusal | undefined {
  const { method, httpVersionMajor: major, httpVersionMinor: minor } = request;
  if (method !== "GET") {
    const message = method === "HEAD" ? "" : "A WebSocket request must use the method GET.";
    return refuse(405, message, { headers: { Allow: "GET" } });
  }
  // RFC 9110 7.8: an Upgrade in an HTTP/1.0 request MUST be ignored.
  if (major < 1 || (major === 1 && minor < 1)) {
    return refuse(400, "A WebSocket request must use HTTP/1.1 or higher.");
  }
  if (!isHost(fields.single("host"))) {
    return refuse(400, "The request needs exactly one valid Host header.");
  }
  // The bytes of a body would be read as frames.
  if (announcesBody(fields)) {
    return refuse(400, "A WebSocket request must not have a body.");
  }
  return undefined;
}

/** RFC 6455 4.2.1, items 3 and 4. */
function checkUpgrade(fields: HeaderFields): HttpRefusal | undefined {
  if (!fields.all("upgrade").some(namesWebSocket)) {
    return upgradeRequired(
      "This path accepts only WebSocket handshakes; the request needs Upgrade: websocket.",
    );
  }
  // RFC 9110 7.8: an Upgrade that Connection does not name is not meant for this hop.
  if (!fields.all("connection").some(namesUpgrade)) {
    return upgradeRequired(
      "This path accepts only WebSocket handshakes; the request needs Connection: Upgrade.",
    );
  }
  return undefined;
}

// Without the u flag, /i folds no character beyond ASCII into ASCII.
const WEBSOCKET = /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i;
const UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;

/** Whether WebSocket is among the protocols that a value of `Upgrade` lists. */
export function namesWebSocket(list: string): boolean {
  return WEBSOCKET.test(list);
}

/** Whether `upgrade` is among the options that a value of `Connection` lists. */
export function namesUpgrade(list: string): boolean {
  return UPGRADE.test(list);
}

function upgradeRequired(message: string): HttpRefusal {
  return refuse(426, message, { headers: { Upgrade: "websocket" } });
}

/** RFC 6455 4.2.1, item 6, and 4.4: the refusal of another version names the supported version. */
function checkVersion(fields: HeaderFields): HttpRefusal | undefined {
  const version = readVersion(fields);
  if (version === undefined) return refuse(400, "The request names several WebSocket versions.");
  if (version === WEBSOCKET_VERSION) return undefined;
  return refuse(426, `The supported WebSocket version is ${WEBSOCKET_VERSION}.`, {
    headers: {
      Upgrade: "websocket",
      "Sec-WebSocket-Version": WEBSOCKET_VERSION,
    },
  });
}

/** RFC 6455 4.2.1, items 5, 8 and 9. */
function readOffer(fields: HeaderFields): UpgradeOutcome {
  const key = fields.single("sec-websocket-key");
  if (key === undefined || !isKey(key)) {
    return refuse(400, "The request needs exactly one Sec-WebSocket-Key of 16 bytes in base64.");
  }
  const offer = readWebSocketOffer(fields);
  if (offer.kind === "refuse") return offer;
  const { kind, protocols, extensions } = offer;
  return { kind, key, protocols, extensions };
}
