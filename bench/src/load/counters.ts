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

/**
 * Counts frames by their headers. Throws unless each is the expected unfragmented data frame, because any
 * other frame would make the figures incomparable.
 */
export class FrameCounter implements MessageCounter {
  readonly #expected: ExpectedFrames;
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerLength = 0;
  #payloadLeft = 0;

  constructor(expected: ExpectedFrames) {
    this.#expected = expected;
  }

  count(bytes: Uint8Array, start: number, end: number): number {
    let messages = 0;
    let at = start;
    while (at < end) {
      if (this.#payloadLeft === 0) {
        this.#header[this.#headerLength++] = bytes[at++];
        if (this.#headerLength < 2 || this.#headerLength < headerBytes(this.#header[1])) continue;
        this.#payloadLeft = this.#checkHeader();
        this.#headerLength = 0;
      }
      const taken = Math.min(this.#payloadLeft, end - at);
      at += taken;
      this.#payloadLeft -= taken;
      if (this.#payloadLeft === 0) messages++;
    }
    return messages;
  }

  #checkHeader(): number {
    const header = this.#header;
    const { firstByte, payloadBytes, isMasked } = this.#expected;
    const length = payloadLength(header);
    const isExpected =
      header[0] === firstByte &&
      header[1] >= 0x80 === isMasked &&
      length === (payloadBytes ?? length);
    if (!isExpected) {
      const shown = header.toString("hex", 0, this.#headerLength);
      throw new Error(`the program sent a frame with the unexpected header ${shown}`);
    }
    return length;
  }
}

/** Counts unfragmented text frames of any length from a server, and ignores control frames. */
export class AnyFrameCounter implements MessageCounter {
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerLength = 0;
  #payloadLeft = 0;
  #isText = false;

  count(bytes: Uint8Array, start: number, end: number): number {
    let messages = 0;
    let at = start;
    while (at < end) {
      if (this.#payloadLeft === 0) {
        this.#header[this.#headerLength++] = bytes[at++];
        if (this.#headerLength < 2 || this.#headerLength < headerBytes(this.#header[1])) continue;
        this.#readHeader();
        if (this.#payloadLeft > 0) continue;
      }
      const taken = Math.min(this.#payloadLeft, end - at);
      at += taken;
      this.#payloadLeft -= taken;
      if (this.#payloadLeft === 0 && this.#isText) messages++;
    }
    return messages;
  }

  #readHeader(): void {
    const header = this.#header;
    this.#headerLength = 0;
    this.#payloadLeft = payloadLength(header);
    this.#isText = header[0] === TEXT_FRAME;
    const isControl = (header[0] & 0x08) !== 0;
    if (!this.#isText && (!isControl || header[0] === CLOSE_FRAME))
      throw new Error(`the program sent a frame with the first byte ${header[0].toString(16)}`);
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
