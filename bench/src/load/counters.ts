/** Counts the messages in a stream of bytes that comes in pieces. */
export interface MessageCounter {
  /** Takes `bytes[start, end)` and returns how many messages ended in them. */
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

/**
 * Counts the frames of a server by their headers, and insists that each is the unfragmented data
 * frame that was asked for: anything else would make the numbers mean something else.
 */
export class FrameCounter implements MessageCounter {
  readonly #firstByte: number;
  readonly #payloadBytes: number;
  readonly #header = new Uint8Array(10);
  #headerLength = 0;
  #payloadLeft = 0;

  constructor(opcode: number, payloadBytes: number) {
    this.#firstByte = 0x80 | opcode;
    this.#payloadBytes = payloadBytes;
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
    let length = header[1];
    if (length === 126) length = (header[2] << 8) | header[3];
    else if (length === 127) length = Buffer.from(header.buffer).readUInt32BE(6);
    if (header[0] !== this.#firstByte || length !== this.#payloadBytes) {
      const shown = Buffer.from(header.subarray(0, this.#headerLength)).toString("hex");
      throw new Error(`the server sent a frame that is no echo; its header is ${shown}`);
    }
    return length;
  }
}

function headerBytes(second: number): number {
  if (second === 126) return 4;
  return second === 127 ? 10 : 2;
}
