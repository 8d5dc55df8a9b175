import type { ByteBudget } from "./byte-budget.ts";
import { type CloseFrame, readCloseFrame } from "./close-frame.ts";
import { maxDeflatedBytes, type MessageDeflate } from "./deflate/message-deflate.ts";
import type { EndpointEnvironment, SharedBuffers } from "./endpoint-environment.ts";
import type { FrameHandler } from "./frame-parser.ts";
import {
  type Fault,
  INVALID_UTF8,
  MAX_EMPTY_FRAGMENTS,
  messageTooBig,
  RSV1,
  TOO_MANY_EMPTY_FRAGMENTS,
  unfinishedTooBig,
} from "./frame-rules.ts";
import { type Masker, MIN_LONG_BYTES } from "./masking.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { MAX_ONE_PASS_BYTES, MAX_POOLED_BYTES } from "./message-pool.ts";
import { isControl, Opcode } from "./opcode.ts";
import { Utf8Validator } from "./utf8.ts";

/** Receives the messages that a {@link MessageAssembler} completes. */
export interface MessageHandler {
  onText(text: string): void;
  /** The bytes belong to the handler. On a client they fill their buffer. */
  onBinary(bytes: Uint8Array): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  onCloseFrame(frame: CloseFrame): void;
  /** The peer broke the protocol, or a limit. */
  onFault(fault: Fault): void;
}

export interface MessageAssemblerOptions {
  /** Which end this is: frames to a server are masked. */
  readonly role: "client" | "server";
  /** The largest message, in bytes of payload over all its fragments. */
  readonly maxMessageBytes: number;
  /** Decompresses messages; undefined without compression. */
  readonly deflate: MessageDeflate | undefined;
  /** Limits the unfinished messages of several connections together. */
  readonly unfinishedBudget: ByteBudget | undefined;
}

/**
 * Makes messages out of frames (RFC 6455 5.4 to 5.6): unmasks, joins fragments, decompresses,
 * validates and decodes. Nothing that the peer sends makes it throw.
 */
export class MessageAssembler implements FrameHandler {
  readonly #handler: MessageHandler;
  readonly #environment: EndpointEnvironment;
  readonly #buffers: SharedBuffers;
  readonly #masker: Masker;
  readonly #isServer: boolean;
  readonly #maxMessageBytes: number;
  /** The same for text, which must fit into a string too. */
  readonly #maxTextBytes: number;
  readonly #deflate: MessageDeflate | undefined;
  readonly #unfinishedBudget: ByteBudget | undefined;

  /** The current frame. */
  #opcode: number = Opcode.Continuation;
  #isFinal = true;
  #maskingKey = 0;
  #payloadBytes = 0;

  /** The current message: the opcode of its first frame, and whether it is compressed. */
  #messageOpcode: number = Opcode.Continuation;
  #isCompressed = false;
  /** What has arrived of a message that is not in one piece. */
  #message: MessageBuffer | undefined;
  #utf8: Utf8Validator | undefined;
  /** Empty fragments since the last one with payload, or since the last message. */
  #emptyFragments = 0;
  #control: MessageBuffer | undefined;

  constructor(
    options: MessageAssemblerOptions,
    environment: EndpointEnvironment,
    handler: MessageHandler,
  ) {
    this.#handler = handler;
    this.#environment = environment;
    this.#buffers = environment.buffers;
    this.#masker = environment.buffers.masker;
    this.#isServer = options.role === "server";
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#maxTextBytes = Math.min(options.maxMessageBytes, environment.maxTextBytes);
    this.#deflate = options.deflate;
    this.#unfinishedBudget = options.unfinishedBudget;
  }

  /** Bytes buffered for messages that are not complete. */
  get bufferedBytes(): number {
    return (this.#message?.capacity ?? 0) + (this.#control?.capacity ?? 0);
  }

  /** The next frames are in another chunk. */
  beginChunk(): void {
    this.#buffers.textRun.reset();
  }

  /** Releases the buffers. No frame may follow. */
  stop(): void {
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
    this.#opcode = opcode;
    this.#isFinal = (firstByte & 0x80) !== 0;
    this.#maskingKey = maskingKey;
    this.#payloadBytes = payloadBytes;
    if (!isControl(opcode)) {
      if (opcode !== Opcode.Continuation) {
        this.#messageOpcode = opcode;
        this.#isCompressed = (firstByte & RSV1) !== 0;
      }
      const messageBytes = payloadBytes + (this.#message?.length ?? 0);
      const limit = this.#maxBytesOf(this.#messageOpcode);
      const maxBytes = this.#isCompressed ? maxDeflatedBytes(limit) : limit;
      if (messageBytes > maxBytes) {
        this.#handler.onFault(messageTooBig(messageBytes, limit));
        return;
      }
    }
    this.addPayload(chunk, start, end, 0);
  }

  addPayload(chunk: Uint8Array, start: number, end: number, offset: number): void {
    const isComplete = offset + end - start === this.#payloadBytes;
    if (isControl(this.#opcode)) this.#addToControl(chunk, start, end, isComplete);
    else if (isComplete && this.#isFinal && offset === 0 && this.#opcode !== Opcode.Continuation) {
      this.#deliverInOnePiece(chunk, start, end);
    } else this.#addToMessage(chunk, start, end, offset);
  }

  onFault(fault: Fault): void {
    this.#handler.onFault(fault);
  }

  #maxBytesOf(messageOpcode: number): number {
    return messageOpcode === Opcode.Text ? this.#maxTextBytes : this.#maxMessageBytes;
  }

  /** A message in one frame in one chunk: the usual case. */
  #deliverInOnePiece(chunk: Uint8Array, start: number, end: number): void {
    if (this.#isCompressed) {
      if (this.#isServer) this.#masker.mask(chunk, start, end, this.#maskingKey, 0);
      this.#deliverDeflated(chunk, start, end);
    } else if (this.#opcode === Opcode.Text) this.#deliverText(chunk, start, end);
    else this.#deliverBinary(chunk, start, end);
  }

  #deliverText(chunk: Uint8Array, start: number, end: number): void {
    const environment = this.#environment;
    if (this.#unmaskText(chunk, start, end)) {
      const isInRun = !this.#isServer && end - start < MIN_LONG_BYTES;
      this.#handler.onText(
        isInRun
          ? this.#buffers.textRun.decode(chunk, start, end)
          : environment.decodeAscii(chunk, start, end),
      );
    } else if (environment.isUtf8(chunk, start, end)) {
      this.#handler.onText(environment.decodeUtf8(chunk, start, end));
    } else this.#handler.onFault(INVALID_UTF8);
  }

  /** Unmasks what is masked; returns whether it is ASCII. */
  #unmaskText(chunk: Uint8Array, start: number, end: number): boolean {
    if (end - start < MIN_LONG_BYTES) {
      return this.#isServer
        ? this.#masker.maskAndTest(chunk, start, end, this.#maskingKey, 0)
        : this.#masker.isShortAscii(chunk, start, end);
    }
    if (this.#isServer) this.#masker.mask(chunk, start, end, this.#maskingKey, 0);
    return this.#environment.isAscii(chunk, start, end);
  }

  #deliverBinary(chunk: Uint8Array, start: number, end: number): void {
    const masker = this.#masker;
    const length = end - start;
    if (this.#isServer && length <= MAX_ONE_PASS_BYTES) {
      const source = masker.viewsOf(chunk);
      const from = masker.offsetOf(chunk) + start;
      this.#handler.onBinary(
        this.#buffers.messagePool.unmaskedCopy(source, from, length, this.#maskingKey),
      );
      return;
    }
    if (!this.#isServer && length <= MAX_POOLED_BYTES) {
      const { bytes } = masker.viewsOf(chunk);
      const from = masker.offsetOf(chunk) + start;
      this.#handler.onBinary(bytes.slice(from, from + length));
      return;
    }
    // In the chunk, of which the views are there already.
    if (this.#isServer) this.#masker.mask(chunk, start, end, this.#maskingKey, 0);
    this.#handler.onBinary(this.#owned(chunk.subarray(start, end)));
  }

  #owned(bytes: Uint8Array): Uint8Array {
    if (this.#isServer && bytes.length <= MAX_POOLED_BYTES) {
      return this.#buffers.messagePool.copy(bytes);
    }
    const owned = this.#environment.allocate(bytes.length);
    owned.set(bytes);
    return owned;
  }

  /** Adds to a message that is cut by a fragment or by the end of a chunk. */
  #addToMessage(chunk: Uint8Array, start: number, end: number, offset: number): void {
    const budget = this.#unfinishedBudget;
    const message = (this.#message ??= new MessageBuffer(this.#environment, budget));
    const from = message.length;
    const expectedBytes = from + this.#payloadBytes - offset;
    if (!message.append(chunk, start, end, expectedBytes, this.#isFinal)) {
      this.#handler.onFault(unfinishedTooBig(budget!.maxBytes));
      return;
    }
    if (this.#isServer) {
      this.#masker.mask(message.bytes, from, message.length, this.#maskingKey, offset);
    }
    const fault = this.#faultOfPart(message, from);
    if (fault !== undefined) this.#handler.onFault(fault);
    else if (this.#isFinal && message.length === expectedBytes) this.#deliverMessage(message);
  }

  /** Checks what has been added behind `from`. */
  #faultOfPart(message: MessageBuffer, from: number): Fault | undefined {
    if (this.#payloadBytes > 0 || this.#isFinal) this.#emptyFragments = 0;
    else if (++this.#emptyFragments > MAX_EMPTY_FRAGMENTS) return TOO_MANY_EMPTY_FRAGMENTS;
    if (this.#messageOpcode !== Opcode.Text || this.#isCompressed) return undefined;
    // RFC 6455 8.1: bad text may fail before the whole message has arrived.
    const utf8 = (this.#utf8 ??= new Utf8Validator());
    return utf8.push(message.bytes, from, message.length) ? undefined : INVALID_UTF8;
  }

  #deliverMessage(message: MessageBuffer): void {
    this.#message = undefined;
    if (this.#isCompressed) {
      const bytes = message.detach();
      this.#deliverDeflated(bytes, 0, bytes.length);
    } else if (this.#messageOpcode === Opcode.Binary) {
      this.#handler.onBinary(message.release(!this.#isServer));
    } else {
      const bytes = message.detach();
      if (!this.#utf8!.isComplete) this.#handler.onFault(INVALID_UTF8);
      else this.#handler.onText(this.#environment.decodeUtf8(bytes, 0, bytes.length));
    }
  }

  /** RFC 7692 6.2 and 7.2.2. The limit holds for the decompressed message. */
  #deliverDeflated(bytes: Uint8Array, start: number, end: number): void {
    const environment = this.#environment;
    const opcode = this.#messageOpcode;
    const message = this.#deflate!.inflate(bytes, start, end, this.#maxBytesOf(opcode));
    if (!(message instanceof Uint8Array)) {
      this.#handler.onFault(message);
    } else if (opcode === Opcode.Binary) {
      this.#handler.onBinary(this.#owned(message));
    } else if (environment.isAscii(message, 0, message.length)) {
      this.#handler.onText(environment.decodeAscii(message, 0, message.length));
    } else if (environment.isUtf8(message, 0, message.length)) {
      this.#handler.onText(environment.decodeUtf8(message, 0, message.length));
    } else {
      this.#handler.onFault(INVALID_UTF8);
    }
  }

  #addToControl(chunk: Uint8Array, start: number, end: number, isComplete: boolean): void {
    const control = (this.#control ??= new MessageBuffer(this.#environment));
    control.append(chunk, start, end, this.#payloadBytes, true);
    if (!isComplete) return;
    this.#control = undefined;
    const payload = control.release();
    if (this.#isServer) {
      this.#masker.mask(payload, 0, payload.length, this.#maskingKey, 0);
    }
    if (this.#opcode === Opcode.Ping) this.#handler.onPing(payload);
    else if (this.#opcode === Opcode.Pong) this.#handler.onPong(payload);
    else this.#deliverClose(payload);
  }

  #deliverClose(payload: Uint8Array): void {
    const frame = readCloseFrame(payload, this.#environment);
    if ("closeCode" in frame) this.#handler.onFault(frame);
    else this.#handler.onCloseFrame(frame);
  }
}
