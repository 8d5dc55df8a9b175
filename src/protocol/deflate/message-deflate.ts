import { CloseCode } from "../close-code.ts";
import { type Fault, messageTooBig } from "../frame-rules.ts";
import type { DeflateCodec, Deflater, Inflater } from "./codec.ts";
import type { DeflateAgreement } from "./negotiation.ts";

/** The extension permessage-deflate (RFC 7692) of one connection. */
export class MessageDeflate {
  readonly #agreement: DeflateAgreement;
  readonly #codec: DeflateCodec;
  // Created at their first use, because most connections compress in one direction only, or not at all.
  #deflater: Deflater | undefined;
  #inflater: Inflater | undefined;

  constructor(agreement: DeflateAgreement, codec: DeflateCodec) {
    this.#agreement = agreement;
    this.#codec = codec;
  }

  /**
   * A name that is equal for connections that compress in the same way. Undefined if the result depends on
   * earlier messages.
   */
  get kind(): string | undefined {
    const { sending, settings, tuning } = this.#agreement;
    if (sending.takesOver) return undefined;
    const kind = `deflate ${sending.windowBits} ${settings.level} ${settings.thresholdBytes}`;
    return tuning === undefined ? kind : `${kind} ${tuning.memoryLevel} ${tuning.strategy}`;
  }

  /** Whether to compress a message of `byteLength` bytes. */
  isFor(byteLength: number): boolean {
    const { sending, settings } = this.#agreement;
    // RFC 7692 7.2.1: an endpoint may send any message uncompressed. This side does so if the peer allows
    // only a window that is too small for the codec.
    const canCompress = sending.windowBits >= this.#codec.minWindowBits;
    return byteLength > 0 && byteLength >= settings.thresholdBytes && canCompress;
  }

  /**
   * Returns the compressed message, which is valid until the next call; undefined to send the message
   * uncompressed.
   */
  deflate(message: Uint8Array): Uint8Array | undefined {
    const { sending, settings, tuning } = this.#agreement;
    this.#deflater ??= this.#codec.createDeflater(sending, settings.level, tuning);
    const deflated = this.#deflater.deflate(message);
    // With context takeover, the compressed message must be sent, so that the peer's window gets the same
    // data as this side's.
    if (!sending.takesOver && deflated.length >= message.length) return undefined;
    return deflated;
  }

  /** Compresses a fragment of a message. The result is valid until the next call. */
  deflateFragment(fragment: Uint8Array, isFinal: boolean): Uint8Array {
    if (fragment.length === 0) return isFinal ? EMPTY_MESSAGE : fragment;
    const { sending, settings, tuning } = this.#agreement;
    this.#deflater ??= this.#codec.createDeflater(sending, settings.level, tuning);
    const deflated = this.#deflater.deflate(fragment);
    if (isFinal) return deflated;
    // RFC 7692 7.2.1: the end of a flush is removed from the last fragment only.
    const whole = new Uint8Array(deflated.length + FLUSH_END.length);
    whole.set(deflated);
    whole.set(FLUSH_END, deflated.length);
    return whole;
  }

  /**
   * Decompresses the message in `bytes[start, end)`. Returns the result, which is valid until the next call,
   * or a fault.
   */
  inflate(bytes: Uint8Array, start: number, end: number, maxBytes: number): Uint8Array | Fault {
    // RFC 7692 7.2.3.6: the compressed form of an empty message has one byte.
    if (start === end) return INVALID_DEFLATE;
    this.#inflater ??= this.#codec.createInflater(this.#agreement.receiving);
    const inflated = this.#inflater.inflate(bytes, start, end, maxBytes);
    if (inflated === "too-big") return messageTooBig(`over ${maxBytes}`, maxBytes);
    return inflated === "invalid" ? INVALID_DEFLATE : inflated;
  }

  /** Ends compression in both directions. No other call may follow. */
  close(): void {
    this.#deflater?.close();
    this.#inflater?.close();
  }
}

/**
 * The maximum length of the compressed form of a message of `byteLength` bytes. A stored block adds a
 * header, and some compressors write small blocks.
 */
export function maxDeflatedBytes(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 8) + 64;
}

/** RFC 7692 7.2.3.6. */
const EMPTY_MESSAGE = Uint8Array.of(0x00);

/** The last bytes of a flush (RFC 7692 7.2.1). */
const FLUSH_END = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

const INVALID_DEFLATE: Fault = {
  code: "INVALID_DEFLATE",
  message: "a compressed message cannot be decompressed",
  closeCode: CloseCode.InvalidPayload,
};
