import { CloseCode } from "../close-code.ts";
import { type Fault, messageTooBig } from "../frame-rules.ts";
import type { DeflateCodec, Deflater, Inflater } from "./codec.ts";
import type { DeflateAgreement } from "./negotiation.ts";

/** The extension permessage-deflate (RFC 7692) on one connection that has agreed to it. */
export class MessageDeflate {
  readonly #agreement: DeflateAgreement;
  readonly #codec: DeflateCodec;
  // Made when first needed: most connections compress in one direction only, or not at all.
  #deflater: Deflater | undefined;
  #inflater: Inflater | undefined;
  #isClosed = false;

  constructor(agreement: DeflateAgreement, codec: DeflateCodec) {
    this.#agreement = agreement;
    this.#codec = codec;
  }

  /** The same for all who compress alike; undefined where it depends on what was sent before. */
  get kind(): string | undefined {
    const { sending, settings } = this.#agreement;
    if (sending.takesOver) return undefined;
    return `deflate ${sending.windowBits} ${settings.level} ${settings.thresholdBytes}`;
  }

  /** Whether a message of `byteLength` bytes is one to compress. */
  isFor(byteLength: number): boolean {
    const { sending, settings } = this.#agreement;
    // RFC 7692 7.2.1: an end may send any message as it is. It always may where the peer allows a
    // window only that the codec cannot keep to.
    const canCompress = sending.windowBits >= this.#codec.minWindowBits;
    return byteLength > 0 && byteLength >= settings.thresholdBytes && canCompress;
  }

  /**
   * The compressed message, to be used at once; undefined if the message is better sent as it is.
   */
  deflate(message: Uint8Array): Uint8Array | undefined {
    const { sending, settings } = this.#agreement;
    this.#deflater ??= this.#codec.createDeflater(sending, settings.level);
    const deflated = this.#deflater.deflate(message);
    // With a context to take over, the peer's has to see what this end's has seen.
    if (!sending.takesOver && deflated.length >= message.length) return undefined;
    return deflated;
  }

  /** The message in `bytes[start, end)`, to be used at once, or why the connection has to fail. */
  inflate(bytes: Uint8Array, start: number, end: number, maxBytes: number): Uint8Array | Fault {
    // RFC 7692 7.2.3.6: a message without a byte has a compressed form of one.
    if (this.#isClosed || start === end) return INVALID_DEFLATE;
    this.#inflater ??= this.#codec.createInflater(this.#agreement.receiving);
    const inflated = this.#inflater.inflate(bytes, start, end, maxBytes);
    if (inflated === "too-big") return messageTooBig(`over ${maxBytes}`, maxBytes);
    return inflated === "invalid" ? INVALID_DEFLATE : inflated;
  }

  /** Nothing more is compressed or restored. */
  close(): void {
    this.#isClosed = true;
    this.#deflater?.close();
    this.#inflater?.close();
    this.#deflater = undefined;
    this.#inflater = undefined;
  }
}

/**
 * How long the compressed form of a message of `byteLength` bytes may be: a stored block costs its
 * header, and some compressors write small ones.
 */
export function maxDeflatedBytes(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 8) + 64;
}

const INVALID_DEFLATE: Fault = {
  code: "INVALID_DEFLATE",
  message: "a compressed message is not valid",
  closeCode: CloseCode.InvalidPayload,
};
