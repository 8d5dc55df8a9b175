import { Writable } from "node:stream";
import { ProtocolError } from "../../errors/index.ts";
import { FrameParser } from "../../protocol/frame-parser.ts";
import type { Fault } from "../../protocol/frame-rules.ts";
import type { CloseFrame } from "../../protocol/close-frame.ts";
import type { DeflateAgreement } from "../../protocol/deflate/index.ts";
import { MessageDeflate } from "../../protocol/deflate/message-deflate.ts";
import { MessageAssembler, type MessageHandler } from "../../protocol/message-assembler.ts";
import { environment } from "./environment.ts";
import { toPublicError } from "./errors.ts";
import { type BinaryType, toBinaryType } from "./message-data.ts";
import type { PerMessageDeflate } from "../extensions/per-message-deflate.ts";
import { readLimit } from "./read-limit.ts";

/** The options of a {@link Receiver}. */
export interface ReceiverOptions {
  /** Whether a client sends the frames, so that they are masked. Default: false. */
  readonly isServer?: boolean | undefined;
  /**
   * Whether several `message`, `ping` and `pong` events may be emitted in one turn of the event loop. Default:
   * true.
   */
  readonly allowSynchronousEvents?: boolean | undefined;
  /** The negotiated extensions. Call `accept` of the extension first. Default: none. */
  readonly extensions?: { readonly "permessage-deflate"?: PerMessageDeflate } | undefined;
  /** The type of binary messages. Default: `"nodebuffer"`. */
  readonly binaryType?: BinaryType | undefined;
  /** The maximum size of a message in bytes. Default: 0, which means unlimited. */
  readonly maxPayload?: number | undefined;
  /** The maximum number of fragments in a message. Default: 0, which means unlimited. */
  readonly maxFragments?: number | undefined;
  /** Accepted for compatibility. It has no effect, because the chunks of an incomplete message are joined. */
  readonly maxBufferedChunks?: number | undefined;
  /** Whether to skip the UTF-8 validation of text and close reasons. Default: false. */
  readonly skipUTF8Validation?: boolean | undefined;
}

/**
 * Parses frames that are written to it, and emits `message`, `ping`, `pong`, and for a Close frame `conclude`
 * with its code and reason. A violation of the protocol destroys the stream with an error. A WebSocket does not
 * use this class. It is for applications that read the bytes of a peer themselves.
 */
export class Receiver extends Writable {
  readonly #parser: FrameParser;
  readonly #assembler: MessageAssembler;
  readonly #allowsSynchronousEvents: boolean;
  /** Whether an event waits for the next turn of the event loop. */
  #isWaiting = false;
  #error: Error | undefined;
  #callback: ((error?: Error) => void) | undefined;

  constructor(options: ReceiverOptions = {}) {
    super();
    const { isServer = false, binaryType = "nodebuffer" } = options;
    const deflate = deflateOf(options);
    this.#allowsSynchronousEvents = options.allowSynchronousEvents !== false;
    this.#assembler = new MessageAssembler(
      {
        role: isServer ? "server" : "client",
        maxMessageBytes: readLimit(options.maxPayload, 0) ?? Number.MAX_SAFE_INTEGER,
        maxFragments: readLimit(options.maxFragments, 0),
        validatesUtf8: options.skipUTF8Validation !== true,
        decodesText: false,
        sharesBuffers: true,
        deflate,
        unfinishedBudget: undefined,
      },
      environment.protocol,
      this.#handler(binaryType),
    );
    this.#assembler.keepsFragments = binaryType === "fragments";
    const parserOptions = { isMasked: isServer, allowsCompressed: deflate !== undefined };
    this.#parser = new FrameParser(parserOptions, this.#assembler);
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error) => void,
  ): void {
    this.#callback = callback;
    this.#assembler.beginChunk();
    this.#parser.receive(chunk);
    this.#endWrite();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stop();
    callback(error);
  }

  /** Ends the current write, unless frames of its chunk wait for the next turn of the event loop. */
  #endWrite(): void {
    if (this.#isWaiting) return;
    const callback = this.#callback!;
    this.#callback = undefined;
    if (this.#error === undefined) callback();
    else callback(this.#error);
  }

  #handler(binaryType: BinaryType): MessageHandler {
    return {
      onText: () => {},
      onTextBytes: (bytes) => this.#deliver("message", bytes, false),
      onBinary: (bytes) => this.#deliver("message", toBinaryType(bytes, binaryType), true),
      onFragments: (fragments) => this.#deliver("message", fragments, true),
      onPing: (payload) => this.#deliver("ping", payload),
      onPong: (payload) => this.#deliver("pong", payload),
      onCloseFrame: (frame) => this.#conclude(frame),
      onFault: (fault) => this.#fail(fault),
    };
  }

  #deliver(type: string, ...values: unknown[]): void {
    if (this.#allowsSynchronousEvents) {
      this.emit(type, ...values);
      return;
    }
    this.#isWaiting = true;
    this.#parser.pause();
    setImmediate(() => this.#deliverLater(type, values));
  }

  #deliverLater(type: string, values: readonly unknown[]): void {
    this.#isWaiting = false;
    if (!this.destroyed) this.emit(type, ...values);
    this.#parser.resume();
    this.#endWrite();
  }

  #conclude({ code, reason, reasonBytes }: CloseFrame): void {
    this.#stop();
    const bytes = reasonBytes === undefined ? Buffer.from(reason) : Buffer.from(reasonBytes);
    this.emit("conclude", code, bytes);
    // If the stream ended at once, a write after it in the same turn would be an error.
    process.nextTick(() => this.end());
  }

  #fail({ code, message, closeCode }: Fault): void {
    this.#stop();
    this.#error = toPublicError(new ProtocolError(code, message, { closeCode }));
  }

  #stop(): void {
    this.#parser.stop();
    this.#assembler.stop();
  }
}

/** Decompresses with the limit of the extension, if it is lower than the limit of the receiver. */
class LimitedDeflate extends MessageDeflate {
  readonly #maxMessageBytes: number;

  constructor(agreement: DeflateAgreement, maxMessageBytes: number) {
    super(agreement, environment.deflateCodec);
    this.#maxMessageBytes = maxMessageBytes;
  }

  override inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxBytes: number,
  ): Uint8Array | Fault {
    return super.inflate(bytes, start, end, Math.min(maxBytes, this.#maxMessageBytes));
  }
}

function deflateOf({ extensions }: ReceiverOptions): MessageDeflate | undefined {
  const extension = extensions?.["permessage-deflate"];
  if (extension?.agreement === undefined) return undefined;
  const { agreement, maxMessageBytes } = extension;
  return new LimitedDeflate(agreement, maxMessageBytes);
}
