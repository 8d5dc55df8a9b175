/** Counts the messages in a stream of bytes, which arrives in pieces. */
export interface MessageCounter {
  /** Reads `bytes[start, end)`, and returns the number of messages that end in them. */
  count(bytes: Uint8Array, start: number, end: number): number;
}

/** Counts messages of a fixed length without framing. */
export class ByteCounter implements MessageCounter {
  readonly #messageBytes: number;
  #rest = 0;

  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes;
  }

  count(_bytes: Uint8Array, start: number, end: number): number {
    const total = this.#rest + end - start;
    this.#rest = total % this.#messageBytes;
    return (total - this.#rest) / this.#messageBytes;
  }
}

/** The properties that every frame of a stream must have. */
export interface ExpectedFrames {
  /** FIN, the RSV bits and the opcode. */
  readonly firstByte: number;
  /** Undefined if it is not known, for compressed messages. */
  readonly payloadBytes: number | undefined;
  /** Whether the frames come from a client. */
  readonly isMasked: boolean;
}

/** Two bytes, eight bytes of length and four bytes of masking key (RFC 6455 5.2). */
const MAX_HEADER_BYTES = 14;

/** FIN and the opcode (RFC 6455 5.2). */
const TEXT_FRAME = 0x81;
const CLOSE_FRAME = 0x88;

/** Finds the frames in a stream of bytes by their headers, and counts the frames that a subclass accepts. */
abstract class HeaderCounter implements MessageCounter {
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerLength = 0;
  #payloadLeft = 0;
  #isCounted = false;

  count(bytes: Uint8Array, start: number, end: number): number {
    let messages = 0;
    let at = start;
    while (at < end) {
      if (this.#payloadLeft === 0) {
        this.#header[this.#headerLength++] = bytes[at++];
        if (this.#headerLength < 2 || this.#headerLength < headerBytes(this.#header[1])) continue;
        this.#payloadLeft = payloadLength(this.#header);
        this.#isCounted = this.isMessage(this.#header, this.#payloadLeft, this.#headerLength);
        this.#headerLength = 0;
      }
      const taken = Math.min(this.#payloadLeft, end - at);
      at += taken;
      this.#payloadLeft -= taken;
      if (this.#payloadLeft === 0 && this.#isCounted) messages++;
    }
    return messages;
  }

  /** Whether to count a frame. Throws for a frame that makes the figures incomparable. */
  protected abstract isMessage(header: Buffer, payloadBytes: number, headerLength: number): boolean;
}

/** Counts frames. Throws unless each is the expected unfragmented data frame. */
export class FrameCounter extends HeaderCounter {
  readonly #expected: ExpectedFrames;

  constructor(expected: ExpectedFrames) {
    super();
    this.#expected = expected;
  }

  protected isMessage(header: Buffer, length: number, headerLength: number): boolean {
    const { firstByte, payloadBytes, isMasked } = this.#expected;
    const isExpected =
      header[0] === firstByte &&
      header[1] >= 0x80 === isMasked &&
      length === (payloadBytes ?? length);
    if (isExpected) return true;
    const shown = header.toString("hex", 0, headerLength);
    throw new Error(`the program sent a frame with the unexpected header ${shown}`);
  }
}

/** Counts unfragmented text frames of any length from a server, and ignores control frames except Close. */
export class AnyFrameCounter extends HeaderCounter {
  protected isMessage([firstByte]: Buffer): boolean {
    const isControl = (firstByte & 0x08) !== 0;
    if (firstByte === TEXT_FRAME) return true;
    if (isControl && firstByte !== CLOSE_FRAME) return false;
    throw new Error(`the program sent a frame with the first byte ${firstByte.toString(16)}`);
  }
}

function payloadLength(header: Buffer): number {
  const length = header[1] & 0x7f;
  if (length === 126) return header.readUInt16BE(2);
  return length === 127 ? header.readUInt32BE(6) : length;
}

function headerBytes(second: number): number {
  const maskBytes = second >= 0x80 ? 4 : 0;
  const length = second & 0x7f;
  if (length === 126) return 4 + maskBytes;
  return (length === 127 ? 10 : 2) + maskBytes;
}
