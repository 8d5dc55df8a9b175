import {
  MAX_FRAME_HEADER_BYTES,
  frameHeaderBytesFor,
  writeFrameHeader,
  writeUint32,
} from "./frame-header.ts";
import type { EndpointEnvironment } from "./endpoint-environment.ts";
import type { MessageDeflate } from "./deflate/message-deflate.ts";
import { RSV1 } from "./frame-rules.ts";
import type { MaskingKeySource } from "./masking-keys.ts";
import { Opcode } from "./opcode.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { framesOf, type PreparedFrame, type PreparedMessage } from "./prepared-message.ts";

const FIN = 0x80;

/**
 * For a text up to this length, room for its maximum size in UTF-8 is reserved. For a longer text, the size
 * is computed first.
 */
const MAX_UNCOUNTED_TEXT_UNITS = 4096;

export interface FrameWriterOptions {
  /** Which end of the connection this is. A client masks each frame with a fresh key (RFC 6455 5.3). */
  readonly role: "client" | "server";
  /** A message with more bytes is sent in fragments of at most this size (RFC 6455 5.4). */
  readonly maxFrameBytes: number | undefined;
  /** Compresses messages; undefined without compression. */
  readonly deflate: MessageDeflate | undefined;
  /** The keys with which a client masks its frames. Default: random keys. */
  readonly maskingKeys?: MaskingKeySource | undefined;
}

/** Writes frames (RFC 6455 5.2) directly into an output buffer. */
export class FrameWriter {
  readonly #output: OutputBuffer;
  readonly environment: EndpointEnvironment;
  /**
   * Undefined if messages are not fragmented. It is not Infinity, for which V8 would create a heap object in
   * each writer.
   */
  readonly #maxFrameBytes: number | undefined;
  readonly #deflate: MessageDeflate | undefined;
  /** The keys of the option; undefined for random keys. */
  readonly #givenKeys: MaskingKeySource | undefined;
  /** Undefined on a server, which does not mask. */
  #maskingKeys: MaskingKeySource | undefined;
  /** The current message, if it is sent in fragments with `writeFragment`. */
  #fragmented: "plain" | "compressed" | undefined;
  /**
   * A name that is equal for writers that create the same frames. Undefined if the frames cannot be shared.
   */
  readonly #frameKind: string | undefined;

  constructor(options: FrameWriterOptions, environment: EndpointEnvironment, output: OutputBuffer) {
    this.#output = output;
    this.environment = environment;
    const { role, maxFrameBytes } = options;
    this.#maxFrameBytes = maxFrameBytes === Infinity ? undefined : maxFrameBytes;
    this.#deflate = options.deflate;
    this.#givenKeys = options.maskingKeys;
    this.masksFrames = role === "client";
    const isShareable = this.#maskingKeys === undefined && this.#maxFrameBytes === undefined;
    if (isShareable) this.#frameKind = this.#deflate === undefined ? "plain" : this.#deflate.kind;
  }

  /** Whether the next frames are masked. Initially true on a client. */
  set masksFrames(value: boolean) {
    const keys = this.#givenKeys ?? this.environment.buffers.maskingKeys;
    this.#maskingKeys = value ? keys : undefined;
  }

  /** Writes a message that other connections send too. */
  writePrepared(message: PreparedMessage): void {
    const kind = this.#frameKind;
    if (kind === undefined) {
      this.#writeData(message);
      return;
    }
    const frame = framesOf(message).get(kind) ?? this.#frame(message, kind);
    this.#output.append(frame.bytes, kind);
    this.#output.savedBytes += frame.savedBytes;
  }

  /** Creates the frame that is sent to all connections of this kind. */
  #frame(message: PreparedMessage, kind: string): PreparedFrame {
    const output = this.#output;
    const { length: start, savedBytes: savedBefore } = output;
    this.#writeData(message);
    // Not `slice`, which returns a view for a Buffer.
    const bytes = new Uint8Array(output.bytes.subarray(start, output.length));
    const frame = { bytes, savedBytes: output.savedBytes - savedBefore };
    output.length = start;
    output.savedBytes = savedBefore;
    framesOf(message).set(kind, frame);
    return frame;
  }

  /** Writes a text message; lone surrogates become U+FFFD. */
  writeText(text: string, mayCompress: boolean): void {
    const environment = this.environment;
    if (mayCompress && this.#deflate?.isFor(text.length * 3) === true) {
      const bytes = environment.allocate(environment.utf8Length(text));
      environment.encodeUtf8(text, bytes, 0);
      this.#writeMessage(Opcode.Text, bytes, true);
      return;
    }
    const units = text.length;
    const isCounted = units > MAX_UNCOUNTED_TEXT_UNITS || isAbove(units * 3, this.#maxFrameBytes);
    const mostBytes = isCounted ? environment.utf8Length(text) : units * 3;
    if (isAbove(mostBytes, this.#maxFrameBytes)) {
      const bytes = environment.allocate(mostBytes);
      environment.encodeUtf8(text, bytes, 0);
      this.#writeFragments(Opcode.Text, bytes);
      return;
    }
    const output = this.#output;
    output.reserve(MAX_FRAME_HEADER_BYTES + mostBytes);
    const isMasked = this.#maskingKeys !== undefined;
    // The position assumes that the text is ASCII. If the header becomes longer, the text is moved.
    const guessed = frameHeaderBytesFor(isCounted ? mostBytes : units, isMasked);
    const start = output.length + guessed;
    const byteLength = environment.encodeUtf8(text, output.bytes, start);
    const actual = frameHeaderBytesFor(byteLength, isMasked);
    if (actual !== guessed) {
      output.bytes.copyWithin(output.length + actual, start, start + byteLength);
    }
    this.#finishFrame(FIN | Opcode.Text, byteLength);
  }

  /** Writes a text message. The bytes MUST be valid UTF-8. */
  writeTextBytes(bytes: Uint8Array, mayCompress: boolean): void {
    this.#writeMessage(Opcode.Text, bytes, mayCompress);
  }

  /** Writes a binary message. */
  writeBinary(bytes: Uint8Array, mayCompress: boolean): void {
    this.#writeMessage(Opcode.Binary, bytes, mayCompress);
  }

  /**
   * Writes a fragment of a message (RFC 6455 5.4). The first fragment determines the opcode, and whether the
   * message is compressed.
   */
  writeFragment(opcode: number, bytes: Uint8Array, isFinal: boolean, mayCompress: boolean): void {
    const deflate = this.#deflate;
    const isFirst = this.#fragmented === undefined;
    const kind = (this.#fragmented ??=
      mayCompress && deflate?.isFor(bytes.length) === true ? "compressed" : "plain");
    const isCompressed = kind === "compressed";
    const payload = isCompressed ? deflate!.deflateFragment(bytes, isFinal) : bytes;
    const firstOpcode = isCompressed ? opcode | RSV1 : opcode;
    this.#output.savedBytes += bytes.length - payload.length;
    this.writeFrame((isFinal ? FIN : 0) | (isFirst ? firstOpcode : Opcode.Continuation), payload);
    if (isFinal) this.#fragmented = undefined;
  }

  /** Writes frames that the caller has encoded. */
  writeEncoded(frames: Uint8Array): void {
    const output = this.#output;
    output.reserve(frames.length);
    output.bytes.set(frames, output.length);
    output.length += frames.length;
  }

  /** Writes one frame; `firstByte` holds FIN, the RSV bits and the opcode. */
  writeFrame(firstByte: number, payload: Uint8Array): void {
    const output = this.#output;
    const payloadBytes = payload.length;
    const headerBytes = frameHeaderBytesFor(payloadBytes, this.#maskingKeys !== undefined);
    output.reserve(headerBytes + payloadBytes);
    output.bytes.set(payload, output.length + headerBytes);
    this.#finishFrame(firstByte, payloadBytes);
  }

  /** Writes the header in front of a payload that was written already, and masks the payload. */
  #finishFrame(firstByte: number, payloadBytes: number): void {
    const output = this.#output;
    const bytes = output.bytes;
    const keys = this.#maskingKeys;
    let at = writeFrameHeader(bytes, output.length, firstByte, payloadBytes, keys !== undefined);
    if (keys !== undefined) {
      const key = keys.next();
      writeUint32(bytes, at, key);
      at += 4;
      this.environment.buffers.masker.mask(bytes, at, at + payloadBytes, key, 0);
    }
    output.length = at + payloadBytes;
  }

  #writeData({ data, mayCompress }: PreparedMessage): void {
    if (typeof data === "string") this.writeText(data, mayCompress);
    else this.writeBinary(data, mayCompress);
  }

  #writeMessage(opcode: number, bytes: Uint8Array, mayCompress: boolean): void {
    const deflate = this.#deflate;
    const deflated =
      mayCompress && deflate?.isFor(bytes.length) === true ? deflate.deflate(bytes) : undefined;
    const firstOpcode = deflated === undefined ? opcode : opcode | RSV1;
    const payload = deflated ?? bytes;
    this.#output.savedBytes += bytes.length - payload.length;
    if (isAbove(payload.length, this.#maxFrameBytes)) this.#writeFragments(firstOpcode, payload);
    else this.writeFrame(FIN | firstOpcode, payload);
  }

  /** `firstOpcode` also contains the RSV bits of the first frame. */
  #writeFragments(firstOpcode: number, bytes: Uint8Array): void {
    const size = this.#maxFrameBytes!;
    let start = 0;
    for (; start + size < bytes.length; start += size) {
      const frameOpcode = start === 0 ? firstOpcode : Opcode.Continuation;
      this.writeFrame(frameOpcode, bytes.subarray(start, start + size));
    }
    this.writeFrame(FIN | Opcode.Continuation, bytes.subarray(start));
  }
}

function isAbove(byteLength: number, maxBytes: number | undefined): boolean {
  return maxBytes !== undefined && byteLength > maxBytes;
}
