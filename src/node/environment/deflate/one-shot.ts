import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from "node:zlib";
import type {
  DeflateContext,
  Deflater,
  DeflateTuning,
  Inflater,
  InflateFailure,
} from "../../../protocol/deflate/codec.ts";
import { compressorOptions, FLUSH_TAIL, LAST_BLOCK } from "./zlib-parameters.ts";

const NOTHING: Uint8Array = Buffer.alloc(0);

/**
 * Compresses each message with a new zlib stream, using the public functions of `node:zlib`. With context
 * takeover, each stream gets the end of the previous messages as its dictionary.
 */
export class OneShotDeflater implements Deflater {
  readonly #options: ZlibOptions;
  readonly #window: SlidingWindow | undefined;

  constructor(context: DeflateContext, level: number, tuning?: DeflateTuning) {
    this.#options = compressorOptions(context, level, tuning);
    this.#window = context.takesOver ? new SlidingWindow(context.windowBits) : undefined;
  }

  deflate(message: Uint8Array): Uint8Array {
    const deflated = deflateRawSync(message, {
      ...this.#options,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...this.#window?.asDictionary(),
    });
    this.#window?.slideOver(message);
    return deflated.subarray(0, deflated.length - FLUSH_TAIL.length);
  }

  close(): void {}
}

const ADDED_BYTES = FLUSH_TAIL.length + LAST_BLOCK.length;

/** Inflates each message with a new zlib stream, using the public functions of `node:zlib`. */
export class OneShotInflater implements Inflater {
  readonly #window: SlidingWindow | undefined;

  constructor({ takesOver }: DeflateContext) {
    this.#window = takesOver ? new SlidingWindow(15) : undefined;
  }

  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxBytes: number,
  ): Uint8Array | InflateFailure {
    // An empty last block after the message makes zlib report a message that was cut off.
    let input: Uint8Array = Buffer.concat([bytes.subarray(start, end), FLUSH_TAIL, LAST_BLOCK]);
    let message = NOTHING;
    // RFC 7692 7.2.3.4: a block with BFINAL set may be anywhere in a message.
    do {
      const part = this.#inflateStream(input, maxBytes - message.length);
      if (typeof part === "string") return part;
      message = message.length === 0 ? part.output : Buffer.concat([message, part.output]);
      input = input.subarray(part.consumedBytes);
    } while (input.length > ADDED_BYTES);
    // zlib must read all added bytes. If the message ended with a last block, it does not read them. If that
    // block was empty and stored, the sender has removed its end (7.2.1), and zlib reads only the flush tail.
    const isWhole = [0, LAST_BLOCK.length, ADDED_BYTES].includes(input.length);
    return isWhole ? message : "invalid";
  }

  close(): void {}

  /** Inflates the first stream in `input`, which may contain more streams and ends with the added bytes. */
  #inflateStream(
    input: Uint8Array,
    maxBytes: number,
  ): { output: Uint8Array; consumedBytes: number } | InflateFailure {
    // zlib does not accept a limit of 0.
    const options = { maxOutputLength: Math.max(1, maxBytes), ...this.#window?.asDictionary() };
    try {
      const { buffer, engine } = inflateRawSync(input, {
        ...options,
        info: true,
      }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
      if (buffer.length > maxBytes) return "too-big";
      const consumedBytes = engine.bytesWritten;
      const ownBytes = input.length - ADDED_BYTES;
      if (consumedBytes > ownBytes) {
        // The added bytes produce no output, unless they complete a stored block that was cut off.
        const finishFlush = constants.Z_SYNC_FLUSH;
        const own = inflateRawSync(input.subarray(0, ownBytes), { ...options, finishFlush });
        if (own.length < buffer.length) return "invalid";
      }
      this.#window?.slideOver(buffer);
      return { output: buffer, consumedBytes };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ERR_BUFFER_TOO_LARGE" ? "too-big" : "invalid";
    }
  }
}

/** The last bytes of the uncompressed messages, up to the size of the window. */
class SlidingWindow {
  readonly #byteLength: number;
  #bytes: Uint8Array = NOTHING;

  constructor(windowBits: number) {
    this.#byteLength = 2 ** windowBits;
  }

  asDictionary(): { dictionary?: Uint8Array } {
    return this.#bytes.length === 0 ? {} : { dictionary: this.#bytes };
  }

  slideOver(bytes: Uint8Array): void {
    const kept = this.#bytes.subarray(
      Math.max(0, this.#bytes.length + bytes.length - this.#byteLength),
    );
    this.#bytes = Buffer.concat([kept, bytes.subarray(-this.#byteLength)]);
  }
}
