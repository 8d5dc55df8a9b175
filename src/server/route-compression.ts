import {
  acceptDeflate,
  type DeflateAgreement,
  type DeflateSettings,
} from "../protocol/deflate/index.ts";
import { type ExtensionOffer, serializeExtensions } from "../protocol/handshake/index.ts";

/** What a client and a route have agreed on. */
export interface AgreedCompression {
  /** The answer, as in the header field. */
  readonly extensions: string;
  readonly agreement: DeflateAgreement;
}

/** The compression of a route, which agrees with its clients on a few things many times over. */
export class RouteCompression {
  readonly #settings: DeflateSettings;
  /** By answer, of which there are not many, so that thousands of connections share one. */
  readonly #agreed = new Map<string, AgreedCompression>();

  constructor(settings: DeflateSettings) {
    this.#settings = settings;
  }

  /** Undefined where none of the offers can be taken: then nothing is compressed. */
  accept(offers: readonly ExtensionOffer[], minWindowBits: number): AgreedCompression | undefined {
    const accepted = acceptDeflate(offers, this.#settings, minWindowBits);
    if (accepted === undefined) return undefined;
    const extensions = serializeExtensions([accepted.extension]);
    const known = this.#agreed.get(extensions);
    if (known !== undefined) return known;
    const agreed = { extensions, agreement: accepted.agreement };
    this.#agreed.set(extensions, agreed);
    return agreed;
  }
}
