import { HandshakeError } from "../../errors/index.ts";
import type { ExtensionOffer } from "../handshake/extensions.ts";
import type { DeflateCodec } from "./codec.ts";
import {
  acceptDeflate,
  type DeflateAcceptance,
  type DeflateAgreement,
  offerDeflate,
  readDeflateAnswer,
} from "./negotiation.ts";
import { type CompressionOptions, type DeflateSettings, resolveCompression } from "./settings.ts";

/** The negotiation of compression in the opening handshake (RFC 7692 5). */
export interface PermessageDeflate {
  /** Makes a client's offer. @throws UsageError `INVALID_OPTION` */
  offer(options?: CompressionOptions): ExtensionOffer;
  /**
   * Accepts the first offer that a server can honour; undefined if there is none. Put its `extension` into
   * the response.
   *
   * @throws UsageError `INVALID_OPTION`
   */
  accept(
    offers: readonly ExtensionOffer[],
    codec: DeflateCodec,
    options?: CompressionOptions,
  ): DeflateAcceptance | undefined;
  /**
   * Reads what the server answered to `offer`, made with the same options. Undefined if it declined;
   * an error if the answer is not valid, and the client must close the connection.
   *
   * @throws UsageError `INVALID_OPTION`
   */
  readAnswer(
    answers: readonly ExtensionOffer[],
    options?: CompressionOptions,
  ): DeflateAgreement | HandshakeError | undefined;
}

/**
 * Negotiates compression (RFC 7692). Pass the agreement to `createEndpoint` as `compression`, with a codec
 * of the runtime.
 */
export const permessageDeflate: PermessageDeflate = {
  offer: (options = {}) => offerDeflate(settingsOf(options, "dedicated")),
  accept: (offers, codec, options = {}) =>
    acceptDeflate(offers, settingsOf(options, "shared"), codec.minWindowBits),
  readAnswer(answers, options = {}) {
    const answer = readDeflateAnswer(answers, settingsOf(options, "dedicated"));
    return typeof answer === "string" ? new HandshakeError("INVALID_EXTENSION", answer) : answer;
  },
};

function settingsOf(
  options: CompressionOptions,
  defaultContext: DeflateSettings["context"],
): DeflateSettings {
  return resolveCompression(options, defaultContext, "permessageDeflate")!;
}
