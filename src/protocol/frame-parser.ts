import { frameHeaderBytes, MAX_FRAME_HEADER_BYTES, readUint32 } from "./frame-header.ts";
import { type Fault, faultOfFrameStart, LENGTH_TOO_BIG, lengthNotMinimal } from "./frame-rules.ts";
import { isControl } from "./opcode.ts";

/** Receives the frames that a {@link FrameParser} finds, during its calls of `receive` and `resume`. */
export interface FrameHandler {
  /**
   * Called at the beginning of a frame with a valid header (RFC 6455 5.2 to 5.5). `chunk[start, end)` is the
   * first part of its payload, which is still masked and may be empty. One call reports header and payload,
   * because most frames are in one chunk, and a second call would cost 5 % of the time to parse 125 bytes
   * (bench: parse).
   *
   * @param firstByte FIN, the RSV bits and the opcode
   * @param maskingKey 0 if frames to this side are not masked
   */
  beginFrame(
    firstByte: number,
    payloadBytes: number,
    maskingKey: number,
    chunk: Uint8Array,
    start: number,
    end: number,
  ): void;
  /**
   * Called with the next part of the frame's payload, `chunk[start, end)`, which is still masked. `missing`
   * is the number of payload bytes after `end` that have not arrived.
   */
  addPayload(chunk: Uint8Array, start: number, end: number, missing: number): void;
  /** Called if the header of a frame is invalid. The handler must stop the parser. */
  onFault(fault: Fault): void;
}

export interface FrameParserOptions {
  /** Whether frames to this side must be masked (RFC 6455 5.1); otherwise they must not be. */
  readonly isMasked: boolean;
  /** Whether messages may be compressed (RFC 7692 6). */
  readonly allowsCompressed: boolean;
}

const NOTHING = new Uint8Array(0);

/**
 * Parses frames (RFC 6455 5) from chunks of any size. Nothing that the peer sends makes it throw. A chunk
 * is valid only during the call, so bytes that must wait are copied.
 */
export class FrameParser {
  readonly #handler: FrameHandler;
  readonly #isMasked: boolean;
  readonly #allowsCompressed: boolean;

  #state: "flowing" | "paused" | "stopped" = "flowing";
  #isParsing = false;
  /** Bytes that arrived while paused; they are parsed on resume. */
  #waiting: Uint8Array = NOTHING;

  /** Created for the first header that is split between two chunks. */
  #cutHeader: CutHeader | undefined;
  /** The number of payload bytes of the current frame that have not arrived. */
  #missing = 0;
  /** Whether the last data frame was a fragment with more to follow. */
  #isInMessage = false;

  constructor(options: FrameParserOptions, handler: FrameHandler) {
    this.#handler = handler;
    this.#isMasked = options.isMasked;
    this.#allowsCompressed = options.allowsCompressed;
  }

  /** The number of bytes that are buffered because they arrived while paused. */
  get waitingBytes(): number {
    return this.#waiting.length;
  }

  /** Parses the next bytes from the peer, and passes their frames to the handler. */
  receive(chunk: Uint8Array): void {
    if (this.#state === "stopped") return;
    if (this.#state === "paused" || this.#isParsing || this.#waiting.length > 0) {
      this.#waiting = joined(this.#waiting, chunk);
      return;
    }
    this.#parse(chunk, false);
  }

  /** From the next frame on, buffers everything, including the rest of the current chunk. */
  pause(): void {
    if (this.#state === "flowing") this.#state = "paused";
  }

  /** Continues with the bytes that arrived while paused. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "flowing";
    if (!this.#isParsing && this.#waiting.length > 0) this.#parseWaiting();
  }

  /** Stops parsing and releases the buffer. */
  stop(): void {
    this.#state = "stopped";
    this.#waiting = NOTHING;
  }

  /**
   * @param isOwn whether the chunk does not change, so that the rest of it can wait without a copy
   */
  #parse(chunk: Uint8Array, isOwn: boolean): void {
    this.#isParsing = true;
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
    const cut = this.#cutHeader;
    if ((cut === undefined || cut.length === 0) && end - start >= 2) {
      const headerBytes = frameHeaderBytes(chunk[start + 1]);
      if (end - start >= headerBytes) {
        return this.#beginFrame(chunk, start, chunk, start + headerBytes, end);
      }
    }
    return this.#readCutHeader(chunk, start, end);
  }

  #readCutHeader(chunk: Uint8Array, start: number, end: number): number {
    const cut = (this.#cutHeader ??= new CutHeader());
    const header = cut.bytes;
    let at = start;
    while (at < end) {
      header[cut.length++] = chunk[at++]!;
      if (cut.length < 2) continue;
      // An invalid frame is reported as soon as its first two bytes have arrived.
      if (cut.length === 2 && !this.#checkStart(header[0], header[1])) return end;
      if (cut.length === frameHeaderBytes(header[1])) {
        cut.length = 0;
        return this.#beginFrame(header, 0, chunk, at, end);
      }
    }
    return at;
  }

  #checkStart(first: number, second: number): boolean {
    const fault = faultOfFrameStart(
      first,
      second,
      this.#isMasked,
      this.#isInMessage,
      this.#allowsCompressed,
    );
    return fault === undefined || this.#fail(fault);
  }

  /** Processes a complete header at `header[at]`, and the part of its payload in `chunk[start, end)`. */
  #beginFrame(
    header: Uint8Array,
    at: number,
    chunk: Uint8Array,
    start: number,
    end: number,
  ): number {
    const first = header[at];
    const second = header[at + 1];
    if (!this.#checkStart(first, second)) return end;
    const payloadBytes = this.#payloadLength(header, at);
    if (payloadBytes < 0) return end;
    if (!isControl(first & 0x0f)) this.#isInMessage = (first & 0x80) === 0;
    const key = this.#isMasked ? readUint32(header, at + frameHeaderBytes(second) - 4) | 0 : 0;
    const stop = Math.min(end, start + payloadBytes);
    this.#missing = payloadBytes - (stop - start);
    this.#handler.beginFrame(first, payloadBytes, key, chunk, start, stop);
    return stop;
  }

  /** Returns the payload's length (RFC 6455 5.2), or -1 if it is invalid. */
  #payloadLength(bytes: Uint8Array, at: number): number {
    const length = bytes[at + 1] & 0x7f;
    if (length < 126) return length;
    if (length === 126) {
      const extended = (bytes[at + 2] << 8) | bytes[at + 3];
      if (extended >= 126) return extended;
      this.#fail(lengthNotMinimal(extended, 16));
      return -1;
    }
    const high = readUint32(bytes, at + 2);
    const extended = high * 0x1_0000_0000 + readUint32(bytes, at + 6);
    if (extended >= 65_536 && high <= 0x7fff_ffff) return extended;
    this.#fail(extended < 65_536 ? lengthNotMinimal(extended, 64) : LENGTH_TOO_BIG);
    return -1;
  }

  /** Passes the part of the current frame's payload in `chunk[start, end)` to the handler. */
  #readPayload(chunk: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + this.#missing);
    const missing = this.#missing - (stop - start);
    this.#missing = missing;
    this.#handler.addPayload(chunk, start, stop, missing);
    return stop;
  }

  #fail(fault: Fault): false {
    this.#handler.onFault(fault);
    return false;
  }
}

/** The part of a header that has arrived. */
class CutHeader {
  readonly bytes: Uint8Array = new Uint8Array(MAX_FRAME_HEADER_BYTES);
  length = 0;
}

/** Returns a copy of both arrays. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
