import type { ByteBudget } from "./byte-budget.ts";
import { type CloseFrame, readCloseFrame } from "./close-frame.ts";
import { maxDeflatedBytes, type MessageDeflate } from "./deflate/message-deflate.ts";
import type { EndpointEnvironment } from "./endpoint-environment.ts";
import type { FrameHandler } from "./frame-parser.ts";
import {
  type Fault,
  INVALID_UTF8,
  MAX_EMPTY_FRAGMENTS,
  messageTooBig,
  RSV1,
  TOO_MANY_EMPTY_FRAGMENTS,
  tooManyFragments,
  unfinishedTooBig,
} from "./frame-rules.ts";
import { MIN_LONG_BYTES } from "./masking.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { MAX_ONE_PASS_BYTES, MAX_POOLED_BYTES } from "./message-pool.ts";
import { isControl, Opcode } from "./opcode.ts";
import { Utf8Validator } from "./utf8.ts";

/** Receives the messages that a {@link MessageAssembler} completes. */
export interface MessageHandler {
  onText(text: string): void;
  /** Called instead of `onText` if texts are not decoded. The handler may keep and change the bytes. */
  onTextBytes?(bytes: Uint8Array): void;
  /** The handler may keep and change the bytes. On a client, their buffer contains nothing else. */
  onBinary(bytes: Uint8Array): void;
  /** Called instead of `onBinary` if the fragments of a message are delivered separately. */
  onFragments?(fragments: Uint8Array[]): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  onCloseFrame(frame: CloseFrame): void;
  /** Called when the peer violated the protocol or exceeded a limit. */
  onFault(fault: Fault): void;
}

/** How received messages are checked and delivered. */
export interface ReceivingOptions {
  /** Whether texts are decoded. Otherwise `onTextBytes` gets their bytes. Default: true. */
  readonly decodesText?: boolean | undefined;
  /** Whether texts and close reasons must be valid UTF-8. False requires `decodesText: false`. Default: true. */
  readonly validatesUtf8?: boolean | undefined;
  /** The maximum number of fragments in a message. Default: unlimited. The limit on the size always applies. */
  readonly maxFragments?: number | undefined;
  /**
   * Whether a client's short binary messages share buffers, as a server's do. The application must then not
   * take their buffer. Default: false.
   */
  readonly sharesBuffers?: boolean | undefined;
}

export interface MessageAssemblerOptions extends ReceivingOptions {
  /** Which end of the connection this is. Frames to a server are masked. */
  readonly role: "client" | "server";
  /** The maximum size of a message, in bytes of payload over all its fragments. */
  readonly maxMessageBytes: number;
  /** Decompresses messages; undefined without compression. */
  readonly deflate: MessageDeflate | undefined;
  /** Limits the unfinished messages of several connections together. */
  readonly unfinishedBudget: ByteBudget | undefined;
}

/**
 * Assembles messages from frames (RFC 6455 5.4 to 5.6): it unmasks payloads, joins fragments, decompresses,
 * and validates and decodes text. Nothing that the peer sends makes it throw.
 */
export class MessageAssembler implements FrameHandler {
  readonly #handler: MessageHandler;
  readonly #environment: EndpointEnvironment;
  /** Whether frames to this side are masked (RFC 6455 5.1). */
  readonly isServer: boolean;
  /** The largest message, in bytes of payload over all its fragments. Applies from the next frame on. */
  maxMessageBytes: number;
  /** Whether `onFragments` gets the fragments of a binary message, instead of `onBinary` the message. */
  keepsFragments = false;
  readonly #deflate: MessageDeflate | undefined;
  readonly #unfinishedBudget: ByteBudget | undefined;
  readonly #decodesText: boolean;
  readonly #validatesUtf8: boolean;
  readonly #sharesBuffers: boolean;
  /** Undefined without a limit, for the reason that `FrameWriter` gives. */
  readonly #maxFragments: number | undefined;

  /** FIN, the RSV bits and the opcode of the current frame. */
  #firstByte = 0;
  #maskingKey = 0;
  #payloadBytes = 0;

  /** FIN, the RSV bits and the opcode of the first frame of the current message. */
  #messageFirstByte = 0;
  /** The received part of a message that has several fragments or chunks. */
  #message: MessageBuffer | undefined;
  /** The number of fragments of the current message. */
  #fragments = 0;
  #control: MessageBuffer | undefined;

  constructor(
    options: MessageAssemblerOptions,
    environment: EndpointEnvironment,
    handler: MessageHandler,
  ) {
    this.#handler = handler;
    this.#environment = environment;
    this.isServer = options.role === "server";
    this.maxMessageBytes = options.maxMessageBytes;
    this.#deflate = options.deflate;
    this.#unfinishedBudget = options.unfinishedBudget;
    this.#decodesText = options.decodesText ?? true;
    this.#validatesUtf8 = options.validatesUtf8 ?? true;
    this.#sharesBuffers = this.isServer || options.sharesBuffers === true;
    this.#maxFragments = options.maxFragments === Infinity ? undefined : options.maxFragments;
  }

  /** The number of bytes that are buffered for incomplete messages. */
  get bufferedBytes(): number {
    return (this.#message?.capacity ?? 0) + (this.#control?.capacity ?? 0);
  }

  /** Call it before the frames of each chunk. */
  beginChunk(): void {
    this.#environment.buffers.asciiRunDecoder.reset();
  }

  /** Releases the buffers and the compression state. No frame may follow. */
  stop(): void {
    this.#deflate?.close();
    this.#message?.detach();
    this.#message = undefined;
    this.#control = undefined;
  }

  beginFrame(
    firstByte: number,
    payloadBytes: number,
    maskingKey: number,
    chunk: Uint8Array,
    start: number,
    end: number,
  ): void {
    const opcode = firstByte & 0x0f;
    this.#firstByte = firstByte;
    this.#maskingKey = maskingKey;
    this.#payloadBytes = payloadBytes;
    if (!isControl(opcode)) {
      if (opcode !== Opcode.Continuation) this.#messageFirstByte = firstByte;
      const messageBytes = payloadBytes + (this.#message?.length ?? 0);
      const limit = this.#maxBytesOf(this.#messageFirstByte);
      const maxBytes = isCompressed(this.#messageFirstByte) ? maxDeflatedBytes(limit) : limit;
      if (messageBytes > maxBytes) {
        this.#handler.onFault(messageTooBig(messageBytes, limit));
        return;
      }
      if (this.#maxFragments !== undefined && this.#hasTooManyFragments(opcode)) return;
    }
    this.addPayload(chunk, start, end, payloadBytes - (end - start));
  }

  addPayload(chunk: Uint8Array, start: number, end: number, missing: number): void {
    const firstByte = this.#firstByte;
    const opcode = firstByte & 0x0f;
    if (isControl(opcode)) this.#addToControl(chunk, start, end, missing);
    else if (
      end - start === this.#payloadBytes &&
      isFinal(firstByte) &&
      opcode !== Opcode.Continuation
    ) {
      this.#deliverInOnePiece(chunk, start, end);
    } else this.#addToMessage(chunk, start, end, missing);
  }

  onFault(fault: Fault): void {
    this.#handler.onFault(fault);
  }

  /** Counts a data frame. Reports a fault if its message has too many fragments. */
  #hasTooManyFragments(opcode: number): boolean {
    this.#fragments = opcode === Opcode.Continuation ? this.#fragments + 1 : 1;
    if (this.#fragments <= this.#maxFragments!) return false;
    this.#handler.onFault(tooManyFragments(this.#maxFragments!));
    return true;
  }

  /** Returns the size limit of the current message. A text must also fit into a string. */
  #maxBytesOf(messageFirstByte: number): number {
    const { maxMessageBytes } = this;
    if (!isText(messageFirstByte) || !this.#decodesText) return maxMessageBytes;
    const { maxTextBytes } = this.#environment;
    return maxMessageBytes < maxTextBytes ? maxMessageBytes : maxTextBytes;
  }

  /** Delivers a message that is in one frame and in one chunk: the usual case. */
  #deliverInOnePiece(chunk: Uint8Array, start: number, end: number): void {
    const firstByte = this.#firstByte;
    if (isCompressed(firstByte)) {
      if (this.isServer) this.#mask(chunk, start, end, 0);
      this.#deliverDeflated(chunk, start, end);
    } else if (isText(firstByte)) this.#deliverText(chunk, start, end);
    else this.#deliverBinary(chunk, start, end);
  }

  #deliverText(chunk: Uint8Array, start: number, end: number): void {
    const environment = this.#environment;
    if (!this.#decodesText) {
      this.#deliverTextBytes(chunk, start, end);
    } else if (this.#unmaskText(chunk, start, end)) {
      const isInRun = !this.isServer && end - start < MIN_LONG_BYTES;
      this.#handler.onText(
        isInRun
          ? environment.buffers.asciiRunDecoder.decode(chunk, start, end)
          : environment.decodeAscii(chunk, start, end),
      );
    } else if (environment.isUtf8(chunk, start, end)) {
      this.#handler.onText(environment.decodeUtf8(chunk, start, end));
    } else this.#handler.onFault(INVALID_UTF8);
  }

  #deliverTextBytes(chunk: Uint8Array, start: number, end: number): void {
    const isAscii = this.#unmaskText(chunk, start, end);
    if (isAscii || !this.#validatesUtf8 || this.#environment.isUtf8(chunk, start, end)) {
      this.#handler.onTextBytes!(this.#owned(chunk.subarray(start, end)));
    } else this.#handler.onFault(INVALID_UTF8);
  }

  /** Unmasks the payload if it is masked. Returns whether it is ASCII. */
  #unmaskText(chunk: Uint8Array, start: number, end: number): boolean {
    if (end - start < MIN_LONG_BYTES) {
      const { masker } = this.#environment.buffers;
      return this.isServer
        ? masker.maskAndTest(chunk, start, end, this.#maskingKey, 0)
        : masker.isShortAscii(chunk, start, end);
    }
    if (this.isServer) this.#mask(chunk, start, end, 0);
    return this.#environment.isAscii(chunk, start, end);
  }

  #deliverBinary(chunk: Uint8Array, start: number, end: number): void {
    const { buffers } = this.#environment;
    const { masker } = buffers;
    const length = end - start;
    if (this.#sharesBuffers && length <= MAX_ONE_PASS_BYTES) {
      const source = masker.viewsOf(chunk);
      const from = masker.offsetOf(chunk) + start;
      this.#handler.onBinary(
        buffers.messagePool.unmaskedCopy(source, from, length, this.#maskingKey),
      );
      return;
    }
    if (!this.#sharesBuffers && length <= MAX_POOLED_BYTES) {
      const { bytes } = masker.viewsOf(chunk);
      const from = masker.offsetOf(chunk) + start;
      this.#handler.onBinary(bytes.slice(from, from + length));
      return;
    }
    // Masks the bytes in the chunk, not in the copy, because the views of the chunk already exist.
    if (this.isServer) this.#mask(chunk, start, end, 0);
    this.#handler.onBinary(this.#owned(chunk.subarray(start, end)));
  }

  #owned(bytes: Uint8Array): Uint8Array {
    if (this.#sharesBuffers && bytes.length <= MAX_POOLED_BYTES) {
      return this.#environment.buffers.messagePool.copy(bytes);
    }
    const owned = this.#environment.allocate(bytes.length);
    owned.set(bytes);
    return owned;
  }

  /** Adds a part to a message that has several fragments or chunks. */
  #addToMessage(chunk: Uint8Array, start: number, end: number, missing: number): void {
    const budget = this.#unfinishedBudget;
    const message = (this.#message ??= new MessageBuffer(this.#environment, budget));
    const from = message.length;
    const expectedBytes = from + end - start + missing;
    if (!message.append(chunk, start, end, expectedBytes, isFinal(this.#firstByte))) {
      this.#handler.onFault(unfinishedTooBig(budget!.maxBytes));
      return;
    }
    if (this.isServer) {
      const offset = this.#payloadBytes - missing - (end - start);
      this.#mask(message.bytes, from, message.length, offset);
    }
    if (this.keepsFragments && missing === 0) (message.fragmentEnds ??= []).push(message.length);
    const fault = this.#faultOfPart(message, from);
    if (fault !== undefined) this.#handler.onFault(fault);
    else if (isFinal(this.#firstByte) && message.length === expectedBytes)
      this.#deliverMessage(message);
  }

  /** Checks the bytes that were added from the position `from` on. */
  #faultOfPart(message: MessageBuffer, from: number): Fault | undefined {
    if (this.#payloadBytes > 0 || isFinal(this.#firstByte)) message.emptyFragments = 0;
    else if (++message.emptyFragments > MAX_EMPTY_FRAGMENTS) return TOO_MANY_EMPTY_FRAGMENTS;
    const messageFirstByte = this.#messageFirstByte;
    if (!isText(messageFirstByte) || isCompressed(messageFirstByte)) return undefined;
    if (!this.#validatesUtf8) return undefined;
    // RFC 6455 8.1: invalid text may fail the connection before the whole message has arrived.
    const utf8 = (message.utf8 ??= new Utf8Validator());
    return utf8.push(message.bytes, from, message.length) ? undefined : INVALID_UTF8;
  }

  #deliverMessage(message: MessageBuffer): void {
    this.#message = undefined;
    if (isCompressed(this.#messageFirstByte)) {
      const bytes = message.detach();
      this.#deliverDeflated(bytes, 0, bytes.length);
    } else if (!isText(this.#messageFirstByte)) {
      this.#deliverBinaryMessage(message);
    } else if (message.utf8?.isComplete === false) {
      message.detach();
      this.#handler.onFault(INVALID_UTF8);
    } else if (!this.#decodesText) {
      this.#handler.onTextBytes!(message.release());
    } else {
      const bytes = message.detach();
      this.#handler.onText(this.#environment.decodeUtf8(bytes, 0, bytes.length));
    }
  }

  #deliverBinaryMessage(message: MessageBuffer): void {
    const ends = message.fragmentEnds;
    const bytes = message.release(!this.#sharesBuffers);
    if (ends === undefined || !this.keepsFragments) {
      this.#handler.onBinary(bytes);
      return;
    }
    const fragments = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
    this.#handler.onFragments!(fragments.filter(({ length }) => length > 0));
  }

  /** RFC 7692 6.2 and 7.2.2. The size limit applies to the decompressed message. */
  #deliverDeflated(bytes: Uint8Array, start: number, end: number): void {
    const environment = this.#environment;
    const message = this.#deflate!.inflate(
      bytes,
      start,
      end,
      this.#maxBytesOf(this.#messageFirstByte),
    );
    if (!(message instanceof Uint8Array)) {
      this.#handler.onFault(message);
    } else if (!isText(this.#messageFirstByte)) {
      this.#handler.onBinary(this.#owned(message));
    } else if (!this.#validatesUtf8) {
      this.#handler.onTextBytes!(this.#owned(message));
    } else if (!this.#decodesText && environment.isUtf8(message, 0, message.length)) {
      this.#handler.onTextBytes!(this.#owned(message));
    } else if (environment.isAscii(message, 0, message.length)) {
      this.#handler.onText(environment.decodeAscii(message, 0, message.length));
    } else if (environment.isUtf8(message, 0, message.length)) {
      this.#handler.onText(environment.decodeUtf8(message, 0, message.length));
    } else {
      this.#handler.onFault(INVALID_UTF8);
    }
  }

  #addToControl(chunk: Uint8Array, start: number, end: number, missing: number): void {
    const control = (this.#control ??= new MessageBuffer(this.#environment));
    control.append(chunk, start, end, this.#payloadBytes, true);
    if (missing > 0) return;
    this.#control = undefined;
    const payload = control.release();
    if (this.isServer) this.#mask(payload, 0, payload.length, 0);
    const opcode = this.#firstByte & 0x0f;
    if (opcode === Opcode.Ping) this.#handler.onPing(payload);
    else if (opcode === Opcode.Pong) this.#handler.onPong(payload);
    else this.#deliverClose(payload);
  }

  #deliverClose(payload: Uint8Array): void {
    const frame = readCloseFrame(payload, this.#environment, this.#validatesUtf8);
    if ("closeCode" in frame) this.#handler.onFault(frame);
    else this.#handler.onCloseFrame(frame);
  }

  #mask(bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#environment.buffers.masker.mask(bytes, start, end, this.#maskingKey, offset);
  }
}

function isFinal(firstByte: number): boolean {
  return (firstByte & 0x80) !== 0;
}

function isText(firstByte: number): boolean {
  return (firstByte & 0x0f) === Opcode.Text;
}

function isCompressed(firstByte: number): boolean {
  return (firstByte & RSV1) !== 0;
}
