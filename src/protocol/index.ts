/**
 * The WebSocket protocol (RFC 6455) without any I/O: bytes in, calls out; calls in, bytes out.
 *
 * ```ts
 * const output = new OutputBuffer(pool);
 * const endpoint = new Endpoint({ role: "server" }, environment, output, {
 *   onText: (text) => endpoint.sendText(text),
 *   onBinary: (bytes) => endpoint.sendBinary(bytes),
 *   onPing() {},
 *   onPong() {},
 *   onFinish: ({ code }) => console.log("closed with", code),
 * });
 * endpoint.receive(bytesFromThePeer);
 * write(output.bytes.subarray(0, output.length));
 * ```
 */
export { ByteBudget } from "./byte-budget.ts";
export { CloseCode, isCloseCodeOnWire } from "./close-code.ts";
export {
  acceptDeflate,
  type CompressionOptions,
  type DeflateAcceptance,
  type DeflateAgreement,
  type DeflateCodec,
  type DeflateContext,
  type Deflater,
  type DeflateSettings,
  type Inflater,
  type InflateFailure,
  offerDeflate,
  readDeflateAnswer,
  resolveCompression,
} from "./deflate/index.ts";
export {
  type ClosingRecord,
  Endpoint,
  type EndpointEvents,
  type EndpointOptions,
  type EndpointState,
} from "./endpoint.ts";
export {
  ClientHandshake,
  type ClientHandshakeOptions,
  type ClientHandshakeOutcome,
  computeAcceptKey,
  type ExtendedConnectRequest,
  type ExtensionOffer,
  type HandshakeFailed,
  type HandshakeOpen,
  HeaderFields,
  type HeaderInit,
  type HttpHeadLimits,
  type HttpRefusal,
  type ReceivedUpgrade,
  readExtendedConnect,
  readUpgradeRequest,
  ServerHandshake,
  type ServerHandshakeOutcome,
  type UnexpectedStatusDetails,
  UnexpectedStatusError,
  type UpgradeOffer,
  type UpgradeOutcome,
  type UpgradeRequest,
  type UpgradeResponse,
  type UrlParts,
  type WebSocketOffer,
  writeRefusal,
  writeUpgradeResponse,
} from "./handshake/index.ts";
export { HandshakeError, ProtocolError, UsageError } from "../errors/index.ts";
export { isPool } from "./message-pool.ts";
export { Opcode } from "./opcode.ts";
export { type BufferPool, OutputBuffer } from "./output-buffer.ts";
export type { EndpointEnvironment } from "./endpoint-environment.ts";
export type { ProtocolEnvironment } from "./protocol-environment.ts";
export { type PreparedFrame, PreparedMessage } from "./prepared-message.ts";
export { type SharedBytes, SharedOutput } from "./shared-output.ts";
