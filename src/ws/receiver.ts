import { Writable } from "node:stream";
import { ProtocolError } from "../errors/index.ts";
import { FrameParser } from "../protocol/frame-parser.ts";
import type { Fault } from "../protocol/frame-rules.ts";
import { MessageAssembler, type MessageHandler } from "../protocol/message-assembler.ts";
import { environment } from "./environment.ts";
import { toPublicError } from "./errors.ts";
import { type BinaryType, toBinaryType } from "./messages.ts";
import { limit } from "./socket-options.ts";

/** The options of a {@link Receiver}. */
export interface ReceiverOptions {
  /** Whether frames are masked, because a client sent them. Default: false. */
  readonly isServer?: boolean | undefined;
  /** The type of binary messages. Default: `"nodebuffer"`. */
  readonly binaryType?: BinaryType | undefined;
  /** The maximum size of a message in bytes. Default: 0, which means unlimited. */
  readonly maxPayload?: number | undefined;
  /** The maximum number of fragments in a message. Default: 0, which means unlimited. */
  readonly maxFragments?: number | undefined;
  /** Whether to skip the UTF-8 validation of text and close reasons. Default: false. */
  readonly skipUTF8Validation?: boolean | undefined;
}

/**
 * Parses frames that are written to it, and emits `message`, `ping`, `pong`, and at the end `conclude` with a
 * close code and a reason. A violation of the protocol destroys the stream with an error. A WebSocket does
 * not use it. It is for code that has the bytes of a peer without a WebSocket. It does not decompress.
 */
export class Receiver extends Writable {
  readonly #parser: FrameParser;
  readonly #assembler: MessageAssembler;
  #error: Error | undefined;

  constructor(options: ReceiverOptions = {}) {
    super();
    const { isServer = false, binaryType = "nodebuffer" } = options;
    this.#assembler = new MessageAssembler(
      {
        role: isServer ? "server" : "client",
        maxMessageBytes: limit(options.maxPayload, 0) ?? Number.MAX_SAFE_INTEGER,
        maxFragments: limit(options.maxFragments, 0),
        validatesUtf8: options.skipUTF8Validation !== true,
        decodesText: false,
        sharesBuffers: true,
        deflate: undefined,
        unfinishedBudget: undefined,
      },
      environment.protocol,
      this.#handler(binaryType),
    );
    this.#assembler.keepsFragments = binaryType === "fragments";
    const parserOptions = { isMasked: isServer, allowsCompressed: false };
    this.#parser = new FrameParser(parserOptions, this.#assembler);
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error) => void,
  ): void {
    this.#assembler.beginChunk();
    this.#parser.receive(chunk);
    if (this.#error === undefined) callback();
    else callback(this.#error);
  }

  #handler(binaryType: BinaryType): MessageHandler {
    return {
      onText: () => {},
      onTextBytes: (bytes) => this.emit("message", bytes, false),
      onBinary: (bytes) => this.emit("message", toBinaryType(bytes, binaryType), true),
      onFragments: (fragments) => this.emit("message", fragments, true),
      onPing: (payload) => this.emit("ping", payload),
      onPong: (payload) => this.emit("pong", payload),
      onCloseFrame: ({ code, reason }) => {
        this.#stop();
        this.emit("conclude", code, Buffer.from(reason));
        this.end();
      },
      onFault: (fault) => this.#fail(fault),
    };
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
