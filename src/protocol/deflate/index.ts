/**
 * The extension permessage-deflate (RFC 7692): its negotiation, its rules for messages, and the codec that
 * a runtime provides for it.
 */

export type { DeflateCodec, Inflater } from "./codec.ts";
export {
  acceptDeflate,
  type DeflateAgreement,
  offerDeflate,
  readDeflateAnswer,
} from "./negotiation.ts";
export { type CompressionOptions, type DeflateSettings, resolveCompression } from "./settings.ts";
