/**
 * The opening handshake (RFC 6455 4) of both sides, without I/O: on a request that an HTTP server
 * has parsed (`readUpgradeRequest`), or on bytes (`ServerHandshake`, `ClientHandshake`).
 */

export { computeAcceptKey, generateKey } from "./accept-key.ts";
export {
  ClientHandshake,
  type ClientHandshakeOptions,
  type ClientHandshakeOutcome,
} from "./client-handshake.ts";
export { readUpgradeAnswer } from "./client-response.ts";
export { type ExtensionOffer, parseExtensions, serializeExtensions } from "./extensions.ts";
export { readExtendedConnect } from "./extended-connect.ts";
export { HeaderFields, isFieldValue, isToken } from "./header-fields.ts";
export { type HttpRefusal, refuse, writeRefusal } from "./http-refusal.ts";
export { ServerHandshake, type ServerHandshakeOutcome } from "./server-handshake.ts";
export { ResponseBody } from "./response-body.ts";
export { UnexpectedStatusError } from "./unexpected-status-error.ts";
export {
  namesUpgrade,
  namesWebSocket,
  readUpgradeRequest,
  type UpgradeOffer,
  type UpgradeOutcome,
  type UpgradeRequest,
} from "./upgrade-request.ts";
export { type UpgradeResponse, writeUpgradeResponse } from "./upgrade-response.ts";
export type { WebSocketOffer } from "./web-socket-offer.ts";
