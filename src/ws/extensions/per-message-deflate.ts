import { UsageError } from "../../errors/index.ts";
import { fastEnvironment } from "../../node/serve/tcp-environments.ts";
import type { Deflater, Inflater, InflateFailure } from "../../protocol/deflate/codec.ts";
import type { DeflateAgreement } from "../../protocol/deflate/index.ts";
import {
  answerOffers,
  checkAnswer,
  type DeflateParams,
  offerParams,
  readParams,
} from "./deflate-params.ts";
import {
  deflateSettings,
  deflateTuning,
  type PerMessageDeflateOptions,
} from "./deflate-options.ts";
import type { ExtensionParams } from "./extension.ts";

/** The options of {@link PerMessageDeflate}. */
export interface PerMessageDeflateInit extends PerMessageDeflateOptions {
  /** Whether this is the server's end of the connection. Default: false. */
  readonly isServer?: boolean | undefined;
  /** The maximum size of a decompressed message, in bytes. 0 removes the limit. Default: no limit. */
  readonly maxPayload?: number | undefined;
}

/** Called with the result, or with the error that prevented it. */
export type DeflateCallback = (error: Error | null, data?: Buffer) => void;

/** The bytes that end a fragment, and that are removed from the end of a message (RFC 7692 7.2.1). */
const FLUSH_TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** RFC 7692 7.2.3.6: the compressed form of an empty message. */
const EMPTY_MESSAGE = Buffer.of(0x00);

/**
 * Negotiates the extension permessage-deflate (RFC 7692), and compresses and decompresses single messages. A
 * `WebSocket` uses only the negotiation.
 */
export class PerMessageDeflate {
  static get extensionName(): string {
    return "permessage-deflate";
  }

  /** The agreed parameters; null before `accept` has returned. */
  params: DeflateParams | null = null;
  readonly #options: PerMessageDeflateInit;
  #deflater: Deflater | undefined;
  #inflater: Inflater | undefined;
  /** The compressed fragments of an incomplete message. */
  #fragments: Buffer[] = [];
  #isClosed = false;

  constructor(options: PerMessageDeflateInit = {}) {
    this.#options = options;
  }

  /** Creates a client's offer. */
  offer(): DeflateParams {
    return offerParams(this.#options);
  }

  /**
   * Accepts the first possible offer of a client, or checks the answer of a server. Returns the agreed
   * parameters.
   *
   * @throws Error if a parameter is invalid, or the options allow none of the offers
   */
  accept(configurations: readonly ExtensionParams[]): DeflateParams {
    const isServer = this.#options.isServer === true;
    const read = configurations.map((params) => readParams(params, isServer));
    this.params = isServer
      ? answerOffers(read, this.#options)
      : checkAnswer(read[0], this.#options);
    return this.params;
  }

  /** The agreed parameters, as the connection uses them; undefined before `accept` has returned. */
  get agreement(): DeflateAgreement | undefined {
    return this.params === null ? undefined : agreementOf(this.params, this.#options);
  }

  /** The maximum size of a decompressed message, in bytes. 2,147,483,647 if the options have no limit. */
  get maxMessageBytes(): number {
    return this.#options.maxPayload || MAX_BYTES;
  }

  /** Frees the memory of the compressors. Callbacks that have not been called yet get an error. */
  cleanup(): void {
    this.#isClosed = true;
    this.#deflater?.close();
    this.#inflater?.close();
    this.#deflater = undefined;
    this.#inflater = undefined;
    this.#fragments = [];
  }

  /** Compresses a message, or a fragment of it, and calls `callback` in a later turn of the event loop. */
  compress(data: Uint8Array | string, fin: boolean, callback: DeflateCallback): void {
    const { sending, settings, tuning } = this.#agreed();
    const bytes = Buffer.from(data);
    this.#deflater ??= fastEnvironment.deflateCodec.createDeflater(sending, settings.level, tuning);
    const deflated =
      bytes.length === 0 ? EMPTY_MESSAGE : Buffer.from(this.#deflater.deflate(bytes));
    this.#answer(callback, fin ? deflated : Buffer.concat([deflated, FLUSH_TAIL]));
  }

  /**
   * Decompresses a message, and calls `callback` in a later turn of the event loop. For a fragment that is not the
   * last one, the result is empty.
   */
  decompress(data: Uint8Array, fin: boolean, callback: DeflateCallback): void {
    this.#fragments.push(Buffer.from(data));
    if (!fin) {
      this.#answer(callback, Buffer.alloc(0));
      return;
    }
    const message = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#inflater ??= fastEnvironment.deflateCodec.createInflater(this.#agreed().receiving);
    const inflated = this.#inflater.inflate(message, 0, message.length, this.maxMessageBytes);
    this.#answer(
      callback,
      typeof inflated === "string" ? inflateError(inflated) : Buffer.from(inflated),
    );
  }

  #answer(callback: DeflateCallback, result: Buffer | Error): void {
    setImmediate(() => {
      if (result instanceof Error) callback(result);
      else if (this.#isClosed)
        callback(new Error("The deflate stream was closed while data was being processed"));
      else callback(null, result);
    });
  }

  #agreed(): DeflateAgreement {
    const { agreement } = this;
    if (agreement !== undefined) return agreement;
    throw new UsageError(
      "NOT_NEGOTIATED",
      "permessage-deflate is not negotiated yet; call accept before compress or decompress",
    );
  }
}

/** The largest message that `maxPayload: 0` allows. */
const MAX_BYTES = 2 ** 31 - 1;

const MAX_WINDOW_BITS = 15;

/** The agreement, from the point of view of one end. */
function agreementOf(params: DeflateParams, options: PerMessageDeflateInit): DeflateAgreement {
  const server = {
    windowBits: params.server_max_window_bits ?? MAX_WINDOW_BITS,
    takesOver: params.server_no_context_takeover !== true,
  };
  const { client_max_window_bits: bits } = params;
  const client = {
    windowBits: typeof bits === "number" ? bits : MAX_WINDOW_BITS,
    takesOver: params.client_no_context_takeover !== true,
  };
  const [own, receiving] = options.isServer === true ? [server, client] : [client, server];
  const settings = deflateSettings(options, own.takesOver);
  const tuning = deflateTuning(options);
  const { isServer, serverMaxWindowBits, clientMaxWindowBits } = options;
  const asked = isServer === true ? serverMaxWindowBits : clientMaxWindowBits;
  // RFC 7692 7.1.2: an end may use a smaller window than the agreed one, which needs less memory.
  const maxBits = typeof asked === "number" ? asked : settings.windowBits;
  const sending = { ...own, windowBits: Math.min(own.windowBits, maxBits) };
  return { sending, receiving, settings, ...(tuning && { tuning }) };
}

function inflateError(failure: InflateFailure): Error {
  if (failure === "too-big") {
    const error = new RangeError("Max payload size exceeded");
    return Object.assign(error, { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" });
  }
  const error = new Error("a compressed message cannot be decompressed");
  return Object.assign(error, { code: "Z_DATA_ERROR", errno: -3 });
}
