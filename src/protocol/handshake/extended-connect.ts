import { CONNECTION_FIELDS } from "./connection-fields.ts";
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

/** A parsed CONNECT request of HTTP/2. */
export interface ExtendedConnectRequest {
  /** name, value, name, value..., including pseudo-header fields, as `node:http2` provides them. */
  readonly rawHeaders: readonly string[];
}

/** The fields that an extended CONNECT has once each, in addition to `:method` (RFC 8441 4 and 5). */
const PSEUDO_FIELDS = [":protocol", ":scheme", ":authority", ":path"] as const;

/**
 * Checks a client's opening handshake over HTTP/2 by RFC 8441 4 and 5. Never throws; takes time linear in the
 * size of the header. It does not check the origin, which is the server's policy, or the fields
 * `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`, which HTTP/2 does not use.
 *
 * A malformed request, or a request for another WebSocket version, gets 400. A request for a tunnel with
 * another protocol gets 501. The responses have no connection-specific fields.
 */
export function readExtendedConnect(request: ExtendedConnectRequest): WebSocketOffer | HttpRefusal {
  const fields = new HeaderFields(request.rawHeaders);
  return (
    checkProtocol(fields) ??
    checkPseudoFields(fields) ??
    checkFields(fields) ??
    checkVersion(fields) ??
    readWebSocketOffer(fields)
  );
}

/** RFC 9220 3, which is about HTTP/3, names the status for unsupported protocols. */
function checkProtocol(fields: HeaderFields): HttpRefusal | undefined {
  if (fields.single(":method") !== "CONNECT") {
    return refuse(400, "A WebSocket request must use the method CONNECT.");
  }
  const protocols = fields.all(":protocol");
  if (protocols.length === 0)
    return refuse(501, "This server does not open tunnels to other hosts.");
  // Without the u flag, /i folds no character beyond ASCII into ASCII.
  if (protocols.every((protocol) => /^websocket$/i.test(protocol))) return undefined;
  return refuse(501, "The only supported :protocol is websocket.");
}

function checkPseudoFields(fields: HeaderFields): HttpRefusal | undefined {
  const values = PSEUDO_FIELDS.map((name) => fields.single(name));
  if (values.includes(undefined)) {
    return refuse(400, `The request must have each of ${PSEUDO_FIELDS.join(", ")} once.`);
  }
  const [, scheme, authority, path] = values;
  if (!/^https?$/i.test(scheme!)) return refuse(400, "The :scheme must be https or http.");
  // RFC 8441 5: every request has the host in :authority, instead of Host in HTTP/1.1.
  if (!isHost(authority)) return refuse(400, "The :authority is not a valid host.");
  // RFC 6455 3: a resource name is a path; a fragment is never part of it.
  if (!/^\/[^#]*$/.test(path!))
    return refuse(400, "The :path must begin with / and must not have a fragment.");
  return undefined;
}

function checkFields(fields: HeaderFields): HttpRefusal | undefined {
  if (CONNECTION_FIELDS.some((name) => fields.all(name).length > 0)) {
    return refuse(400, "An HTTP/2 request must not have connection-specific fields.");
  }
  // RFC 9113 8.2.2: the only field of this kind that is allowed, with its only value.
  if (fields.all("te").some((coding) => !/^trailers$/i.test(coding))) {
    return refuse(400, "In HTTP/2, TE must be trailers.");
  }
  // RFC 9113 8.3.1: a Host that names another host than :authority makes a request malformed.
  const authority = fields.single(":authority")!.toLowerCase();
  if (fields.all("host").some((host) => host.toLowerCase() !== authority)) {
    return refuse(400, "Host and :authority must be equal.");
  }
  if (announcesBody(fields)) return refuse(400, "A WebSocket request must not have a body.");
  return undefined;
}

/** RFC 6455 4.4, but with another status: 426 requires an Upgrade field (RFC 9110 15.5.22). */
function checkVersion(fields: HeaderFields): HttpRefusal | undefined {
  if (readVersion(fields) === WEBSOCKET_VERSION) return undefined;
  return refuse(400, `The supported WebSocket version is ${WEBSOCKET_VERSION}.`, {
    headers: {
      "Sec-WebSocket-Version": WEBSOCKET_VERSION,
    },
  });
}
