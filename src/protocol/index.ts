/**
 * The WebSocket protocol (RFC 6455 and 7692) without I/O: bytes in, callbacks out; calls in, bytes out.
 *
 * ```ts
 * const endpoint = createEndpoint({
 *   role: "server",
 *   onText: (text) => endpoint.sendText(text),
 *   onBinary: (bytes) => endpoint.sendBinary(bytes),
 *   onFinish: ({ code }) => console.log("closed with", code),
 * });
 * endpoint.receive(bytesFromThePeer);
 * write(endpoint.takeOutput());
 * ```
 *
 * The opening handshake comes first: use `ClientHandshake`, or `ServerHandshake` and `acceptUpgrade`.
 */
export { HandshakeError, ProtocolError, TidewayError, UsageError } from "../errors/index.ts";
export type { TidewayErrorOptions } from "../errors/index.ts";
export { CloseCode } from "./close-code.ts";
export {
  createEndpoint,
  type CreateEndpointOptions,
  type WebSocketEndpoint,
} from "./create-endpoint.ts";
export { createProtocolEnvironment } from "./default-environment.ts";
export type {
  DeflateCodec,
  DeflateTuning,
  DeflateContext,
  Deflater,
  Inflater,
  InflateFailure,
} from "./deflate/codec.ts";
export type { DeflateAcceptance, DeflateAgreement } from "./deflate/negotiation.ts";
export { permessageDeflate, type PermessageDeflate } from "./deflate/permessage-deflate.ts";
export type { CompressionOptions, DeflateSettings } from "./deflate/settings.ts";
export type { ClosingRecord, EndpointState } from "./endpoint.ts";
export { acceptUpgrade, type UpgradeChoice } from "./handshake/accept-upgrade.ts";
export {
  ClientHandshake,
  type ClientHandshakeOptions,
  type ClientHandshakeOutcome,
  type HandshakeFailed,
  type HandshakeOpen,
} from "./handshake/client-handshake.ts";
export type { UrlParts } from "./handshake/client-request.ts";
export type { ExtensionOffer } from "./handshake/extensions.ts";
export type { HeaderFields } from "./handshake/header-fields.ts";
export type { HeaderInit } from "./handshake/header-writer.ts";
export type { HttpHeadLimits } from "./handshake/http-head.ts";
export { type HttpRefusal, writeRefusal } from "./handshake/http-refusal.ts";
export {
  type ReceivedUpgrade,
  ServerHandshake,
  type ServerHandshakeOutcome,
} from "./handshake/server-handshake.ts";
export {
  type UnexpectedStatusDetails,
  UnexpectedStatusError,
} from "./handshake/unexpected-status-error.ts";
export {
  readUpgradeRequest,
  type UpgradeOffer,
  type UpgradeOutcome,
  type UpgradeRequest,
} from "./handshake/upgrade-request.ts";
export type { WebSocketOffer } from "./handshake/web-socket-offer.ts";
export type { ProtocolEnvironment } from "./protocol-environment.ts";
