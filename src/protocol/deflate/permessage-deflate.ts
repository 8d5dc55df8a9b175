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
  /** Creates a client's offer. @throws UsageError `INVALID_OPTION` */
  offer(options?: CompressionOptions): ExtensionOffer;
  /**
   * Accepts the first offer that the server can fulfil. Returns undefined if there is none. Add the
   * `extension` of the result to the response.
   *
   * @throws UsageError `INVALID_OPTION`
   */
  accept(
    offers: readonly ExtensionOffer[],
    codec: DeflateCodec,
    options?: CompressionOptions,
  ): DeflateAcceptance | undefined;
  /**
   * Reads the server's answer to the offer; pass the same options as to `offer`. Returns undefined if the
   * server declined. Returns an error if the answer is invalid; the client must then close the connection.
   *
   * @throws UsageError `INVALID_OPTION`
   */
  readAnswer(
    answers: readonly ExtensionOffer[],
    options?: CompressionOptions,
  ): DeflateAgreement | HandshakeError | undefined;
}

/**
 * Negotiates compression (RFC 7692). Pass the agreement, together with a codec, to `createEndpoint` as
 * `compression`.
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
