import { ProtocolError } from "../errors/index.ts";
import { offsetOf, viewsOf } from "./array-views.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { CloseCode, isCloseCodeOnWire } from "./close-code.ts";
import { maxDeflatedBytes, type MessageDeflate } from "./deflate/message-deflate.ts";
import { frameHeaderBytes, MAX_FRAME_HEADER_BYTES, readUint32 } from "./frame-header.ts";
import {
  type Fault,
  faultOfFrameStart,
  INVALID_UTF8,
  invalidCloseCode,
  LENGTH_TOO_BIG,
  lengthNotMinimal,
  messageTooBig,
  MAX_EMPTY_FRAGMENTS,
  RSV1,
  TOO_MANY_EMPTY_FRAGMENTS,
  unfinishedTooBig,
} from "./frame-rules.ts";
import { isShortAscii, mask, maskAndTest, MIN_LONG_BYTES } from "./masking.ts";
import {
  MAX_ONE_PASS_BYTES,
  MAX_POOLED_BYTES,
  pooledCopy,
  pooledUnmaskedCopy,
} from "./message-pool.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { isControl, Opcode } from "./opcode.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import { decodeInRun, endRun } from "./text-run.ts";
import { Utf8Validator } from "./utf8.ts";

export interface ReceiverOptions {
  /** Which end this is: a server takes only masked frames, a client only unmasked ones. */
  readonly role: "client" | "server";
  /** The largest message, in bytes of payload over all its fragments. */
  readonly maxMessageBytes: number;
  /** Restores compressed messages; undefined where no compression is agreed upon. */
  readonly deflate: MessageDeflate | undefined;
  /** What unfinished messages may hold together with those of other connections. */
  readonly unfinishedBudget: ByteBudget | undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * Parses the frames of RFC 6455 5 out of chunks cut anywhere and puts messages together. Never
 * throws on what the peer sends. Chunks are the receiver's only during the call: they are unmasked
 * in place, and what has to wait is copied.
 * What it finds it tells the class that extends it, while the bytes are being received.
 */
export abstract class Receiver {
  readonly #isServer: boolean;
  readonly #maxMessageBytes: number;
  /** The same for text, which must fit into a string too. */
  readonly #maxTextBytes: number;
  readonly #environment: ProtocolEnvironment;
  readonly #deflate: MessageDeflate | undefined;
  readonly #unfinishedBudget: ByteBudget | undefined;

  #state: "flowing" | "paused" | "done" = "flowing";
  #isParsing = false;
  /** What came while paused; parsed on resume. */
  #waiting: Uint8Array = NOTHING;

  /** A header that a chunk's end has cut. */
  #header: Uint8Array = NOTHING;
  #headerLength = 0;

  /** The frame whose payload is being read. */
  #opcode: number = Opcode.Continuation;
  #isFinal = true;
  #maskingKey = 0;
  #payloadBytes = 0;
  /** Payload bytes of this frame still to come. */
  #missing = 0;

  /** Continuation stands for "none": no message is being put together. */
  #messageOpcode: number = Opcode.Continuation;
  #isCompressed = false;
  /** How many empty fragments came since the last one with payload, or since the last message. */
  #emptyFragments = 0;
  #message: MessageBuffer | undefined;
  #control: MessageBuffer | undefined;
  #utf8: Utf8Validator | undefined;

  constructor(options: ReceiverOptions, environment: ProtocolEnvironment) {
    this.#isServer = options.role === "server";
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#maxTextBytes = Math.min(options.maxMessageBytes, environment.maxTextBytes);
    this.#environment = environment;
    this.#deflate = options.deflate;
    this.#unfinishedBudget = options.unfinishedBudget;
  }

  protected abstract onText(text: string): void;
  /** The bytes belong to whoever gets them; those of a client are all that is in their buffer. */
  protected abstract onBinary(bytes: Uint8Array): void;
  protected abstract onPing(payload: Uint8Array): void;
  protected abstract onPong(payload: Uint8Array): void;
  /** A valid Close frame; `code` is 1005 where it held none. Nothing is received after it. */
  protected abstract onCloseFrame(code: number, reason: string): void;
  /** The peer broke the protocol or a limit. Nothing is received after it. */
  protected abstract onViolation(error: ProtocolError): void;

  /** Takes the next bytes from the peer and makes the calls that they lead to. */
  receive(chunk: Uint8Array): void {
    if (this.#state === "done") return;
    if (this.#state === "paused" || this.#isParsing || this.#waiting.length > 0) {
      this.#waiting = joined(this.#waiting, chunk);
      return;
    }
    this.#parse(chunk, false);
  }

  /** Holds further calls back from the next frame on, also within the chunk being received. */
  pause(): void {
    if (this.#state === "flowing") this.#state = "paused";
  }

  /** Goes on with what came meanwhile. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "flowing";
    if (!this.#isParsing && this.#waiting.length > 0) this.#parseWaiting();
  }

  /** Receives nothing more and lets go of all that was held. */
  stop(): void {
    this.#state = "done";
    this.#waiting = NOTHING;
    this.#message?.detach();
    this.#message = undefined;
    this.#control = undefined;
  }

  /** Bytes held for frames and messages not yet complete, and for what came while paused. */
  get heldBytes(): number {
    const message = this.#message?.capacity ?? 0;
    return this.#waiting.length + message + (this.#control?.capacity ?? 0);
  }

  /** `isOwn`: the chunk stays as it is, so that its rest need not be copied however often it waits. */
  #parse(chunk: Uint8Array, isOwn: boolean): void {
    this.#isParsing = true;
    endRun();
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      if (this.#state !== "flowing") break;
      at = this.#missing > 0 ? this.#readPayload(chunk, at, end) : this.#readHeader(chunk, at, end);
    }
    this.#isParsing = false;
    if (this.#state === "paused") {
      const rest = chunk.subarray(at);
      this.#waiting = isOwn && this.#waiting.length === 0 ? rest : joined(rest, this.#waiting);
    } else if (this.#waiting.length > 0) this.#parseWaiting();
  }

  #parseWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = NOTHING;
    this.#parse(waiting, true);
  }

  #readHeader(chunk: Uint8Array, start: number, end: number): number {
    if (this.#headerLength === 0 && end - start >= 2) {
      const headerBytes = frameHeaderBytes(chunk[start + 1]);
      if (end - start >= headerBytes) {
        if (!this.#beginFrame(chunk, start)) return end;
        return this.#readPayload(chunk, start + headerBytes, end);
      }
    }
    return this.#readCutHeader(chunk, start, end);
  }

  #readCutHeader(chunk: Uint8Array, start: number, end: number): number {
    if (this.#header.length === 0) this.#header = new Uint8Array(MAX_FRAME_HEADER_BYTES);
    const header = this.#header;
    let at = start;
    while (at < end) {
      header[this.#headerLength++] = chunk[at++]!;
      if (this.#headerLength < 2) continue;
      // The peer hears of a bad frame when its first two bytes are there, not when all are.
      if (this.#headerLength === 2 && !this.#checkStart(header[0], header[1])) return end;
      if (this.#headerLength === frameHeaderBytes(header[1])) {
        this.#headerLength = 0;
        if (!this.#beginFrame(header, 0)) return end;
        return this.#readPayload(chunk, at, end);
      }
    }
    return at;
  }

  #checkStart(first: number, second: number): boolean {
    const isInMessage = this.#messageOpcode !== Opcode.Continuation;
    const allowsCompressed = this.#deflate !== undefined;
    const fault = faultOfFrameStart(first, second, this.#isServer, isInMessage, allowsCompressed);
    return fault === undefined || this.#violate(fault);
  }

  /** Takes a whole header at `bytes[at]`; false once the connection has been failed. */
  #beginFrame(bytes: Uint8Array, at: number): boolean {
    const first = bytes[at];
    const second = bytes[at + 1];
    if (!this.#checkStart(first, second)) return false;
    const opcode = first & 0x0f;
    const payloadBytes = this.#payloadLength(bytes, at);
    if (payloadBytes < 0) return false;
    if (!isControl(opcode)) {
      if (opcode !== Opcode.Continuation) {
        this.#messageOpcode = opcode;
        this.#isCompressed = (first & RSV1) !== 0;
      }
      const messageBytes = payloadBytes + (this.#message?.length ?? 0);
      const limit = this.#maxBytesOf(this.#messageOpcode);
      const maxBytes = this.#isCompressed ? maxDeflatedBytes(limit) : limit;
      if (messageBytes > maxBytes) return this.#violate(messageTooBig(messageBytes, limit));
    }
    this.#opcode = opcode;
    this.#isFinal = (first & 0x80) !== 0;
    this.#payloadBytes = payloadBytes;
    this.#missing = payloadBytes;
    if (this.#isServer) {
      this.#maskingKey = readUint32(bytes, at + frameHeaderBytes(second) - 4) | 0;
    }
    return true;
  }

  #maxBytesOf(messageOpcode: number): number {
    return messageOpcode === Opcode.Text ? this.#maxTextBytes : this.#maxMessageBytes;
  }

  /** The payload's length (RFC 6455 5.2), or -1 once the connection has been failed for it. */
  #payloadLength(bytes: Uint8Array, at: number): number {
    const length = bytes[at + 1] & 0x7f;
    if (length < 126) return length;
    if (length === 126) {
      const extended = (bytes[at + 2] << 8) | bytes[at + 3];
      if (extended >= 126) return extended;
      this.#violate(lengthNotMinimal(extended, 16));
      return -1;
    }
    const high = readUint32(bytes, at + 2);
    const extended = high * 0x1_0000_0000 + readUint32(bytes, at + 6);
    if (extended >= 65_536 && high <= 0x7fff_ffff) return extended;
    this.#violate(extended < 65_536 ? lengthNotMinimal(extended, 64) : LENGTH_TOO_BIG);
    return -1;
  }

  /** Takes what `chunk[start, end)` holds of the current frame's payload. */
  #readPayload(chunk: Uint8Array, start: number, end: number): number {
    const missing = this.#missing;
    if (isControl(this.#opcode)) return this.#readControl(chunk, start, end);
    const isWhole = missing === this.#payloadBytes && end - start >= missing;
    if (isWhole && this.#isFinal && this.#opcode !== Opcode.Continuation) {
      const stop = start + missing;
      this.#missing = 0;
      this.#messageOpcode = Opcode.Continuation;
      if (this.#isCompressed) {
        if (this.#isServer) mask(chunk, start, stop, this.#maskingKey, 0);
        this.#deliverDeflated(this.#opcode, chunk, start, stop);
      } else if (this.#opcode === Opcode.Text) this.#deliverText(chunk, start, stop);
      else this.#deliverBinary(chunk, start, stop);
      return stop;
    }
    const stop = Math.min(end, start + missing);
    if (!this.#addToMessage(chunk, start, stop)) return end;
    if (this.#missing === 0 && this.#isFinal) this.#deliverMessage();
    return stop;
  }

  /** A message in one frame in one chunk: the usual case. */
  #deliverText(chunk: Uint8Array, start: number, end: number): void {
    const environment = this.#environment;
    if (this.#unmaskText(chunk, start, end)) {
      const isInRun = !this.#isServer && end - start < MIN_LONG_BYTES;
      this.onText(
        isInRun
          ? decodeInRun(chunk, start, end, environment)
          : environment.decodeAscii(chunk, start, end),
      );
    } else if (environment.isUtf8(chunk, start, end)) {
      this.onText(environment.decodeUtf8(chunk, start, end));
    } else this.#violate(INVALID_UTF8);
  }

  /** Unmasks what is masked; returns whether it is ASCII. */
  #unmaskText(chunk: Uint8Array, start: number, end: number): boolean {
    if (end - start < MIN_LONG_BYTES) {
      return this.#isServer
        ? maskAndTest(chunk, start, end, this.#maskingKey, 0)
        : isShortAscii(chunk, start, end);
    }
    if (this.#isServer) mask(chunk, start, end, this.#maskingKey, 0);
    return this.#environment.isAscii(chunk, start, end);
  }

  #deliverBinary(chunk: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#isServer && length <= MAX_ONE_PASS_BYTES) {
      const source = viewsOf(chunk);
      const from = offsetOf(chunk) + start;
      this.onBinary(pooledUnmaskedCopy(source, from, length, this.#maskingKey, this.#environment));
      return;
    }
    if (!this.#isServer && length <= MAX_POOLED_BYTES) {
      const { bytes } = viewsOf(chunk);
      const from = offsetOf(chunk) + start;
      this.onBinary(bytes.slice(from, from + length));
      return;
    }
    // In the chunk, of which the views are there already.
    if (this.#isServer) mask(chunk, start, end, this.#maskingKey, 0);
    this.onBinary(this.#owned(chunk.subarray(start, end)));
  }

  #owned(bytes: Uint8Array): Uint8Array {
    if (this.#isServer && bytes.length <= MAX_POOLED_BYTES)
      return pooledCopy(bytes, this.#environment);
    const owned = this.#environment.allocate(bytes.length);
    owned.set(bytes);
    return owned;
  }

  /** Adds to a message that a fragment or a chunk's end has cut; false if its text is bad. */
  #addToMessage(chunk: Uint8Array, start: number, stop: number): boolean {
    const budget = this.#unfinishedBudget;
    const message = (this.#message ??= new MessageBuffer(this.#environment, budget));
    const from = message.length;
    if (!message.append(chunk, start, stop, from + this.#missing, this.#isFinal)) {
      return this.#violate(unfinishedTooBig(budget!.maxBytes));
    }
    if (this.#isServer) {
      const offset = this.#payloadBytes - this.#missing;
      mask(message.bytes, from, message.length, this.#maskingKey, offset);
    }
    this.#missing -= stop - start;
    if (this.#payloadBytes > 0 || this.#isFinal) this.#emptyFragments = 0;
    else if (++this.#emptyFragments > MAX_EMPTY_FRAGMENTS) {
      return this.#violate(TOO_MANY_EMPTY_FRAGMENTS);
    }
    if (this.#messageOpcode !== Opcode.Text || this.#isCompressed) return true;
    // RFC 6455 8.1: failing may wait for the whole message, but need not.
    const utf8 = (this.#utf8 ??= new Utf8Validator());
    return utf8.push(message.bytes, from, message.length) || this.#violate(INVALID_UTF8);
  }

  #deliverMessage(): void {
    const message = this.#message!;
    const opcode = this.#messageOpcode;
    this.#message = undefined;
    this.#messageOpcode = Opcode.Continuation;
    if (this.#isCompressed) {
      const bytes = message.detach();
      this.#deliverDeflated(opcode, bytes, 0, bytes.length);
    } else if (opcode === Opcode.Binary) {
      this.onBinary(message.release(!this.#isServer));
    } else {
      const bytes = message.detach();
      if (this.#utf8!.isComplete) this.onText(this.#environment.decodeUtf8(bytes, 0, bytes.length));
      else this.#violate(INVALID_UTF8);
    }
  }

  /** RFC 7692 6.2 and 7.2.2. The limit holds for what the message inflates to. */
  #deliverDeflated(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    const message = this.#deflate!.inflate(bytes, start, end, this.#maxBytesOf(opcode));
    if (!(message instanceof Uint8Array)) {
      this.#violate(message);
    } else if (opcode === Opcode.Binary) {
      this.onBinary(this.#owned(message));
    } else if (this.#environment.isAscii(message, 0, message.length)) {
      this.onText(this.#environment.decodeAscii(message, 0, message.length));
    } else if (this.#environment.isUtf8(message, 0, message.length)) {
      this.onText(this.#environment.decodeUtf8(message, 0, message.length));
    } else {
      this.#violate(INVALID_UTF8);
    }
  }

  #readControl(chunk: Uint8Array, start: number, end: number): number {
    const control = (this.#control ??= new MessageBuffer(this.#environment));
    const stop = Math.min(end, start + this.#missing);
    control.append(chunk, start, stop, this.#payloadBytes, true);
    this.#missing -= stop - start;
    if (this.#missing > 0) return stop;
    this.#control = undefined;
    const payload = control.release();
    if (this.#isServer) mask(payload, 0, payload.length, this.#maskingKey, 0);
    if (this.#opcode === Opcode.Ping) this.onPing(payload);
    else if (this.#opcode === Opcode.Pong) this.onPong(payload);
    else this.#deliverClose(payload);
    return stop;
  }

  /** RFC 6455 5.5.1, 7.1.5, 7.4. */
  #deliverClose(payload: Uint8Array): void {
    const length = payload.length;
    if (length === 0) {
      this.stop();
      this.onCloseFrame(CloseCode.NoStatusReceived, "");
      return;
    }
    const code = (payload[0] << 8) | payload[1];
    if (!isCloseCodeOnWire(code)) {
      this.#violate(invalidCloseCode(code));
    } else if (!this.#environment.isUtf8(payload, 2, length)) {
      this.#violate(INVALID_UTF8);
    } else {
      this.stop();
      this.onCloseFrame(code, this.#environment.decodeUtf8(payload, 2, length));
    }
  }

  /** RFC 6455 7.1.7: fails the connection. */
  #violate({ code, message, closeCode }: Fault): false {
    this.stop();
    this.onViolation(new ProtocolError(code, message, { closeCode }));
    return false;
  }
}

/** A copy of both. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
