/** The types of frames (RFC 9113 6) that a load needs. */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;

const ACK = 0x01;
const END_HEADERS = 0x04;

const FRAME_HEADER_BYTES = 9;
/** RFC 9113 4.2: the size that every peer accepts. */
const MAX_PAYLOAD_BYTES = 16_384;
const INITIAL_WINDOW_SIZE = 0x04;
const INITIAL_WINDOW_BYTES = 65_535;
const MAX_WINDOW_BYTES = 2 ** 31 - 1;
/** How many bytes arrive before the windows are opened again. This is rare, so it takes no time. */
const TOP_UP_BYTES = 2 ** 30;

/** The only stream of a connection. */
const STREAM_ID = 1;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** RFC 7541 A: `:status: 200` in the static table. */
const STATUS_200 = 0x88;

export interface Http2StreamListener {
  send(bytes: Uint8Array): void;
  /** Called when the server has accepted the WebSocket. */
  onOpen(): void;
  /** Called with `bytes[start, end)` of the WebSocket, which are valid only during the call. */
  onBytes(bytes: Buffer, start: number, end: number): void;
}

/**
 * A WebSocket over HTTP/2 (RFC 8441), the only stream of its connection. It implements no more than a load
 * needs, so that it takes much less processor time than `node:http2`.
 */
export class Http2Stream {
  readonly #port: number;
  readonly #listener: Http2StreamListener;
  readonly #queue: Uint8Array[] = [];
  /** The bytes that the server accepts on the stream and on the connection. */
  #streamWindow = INITIAL_WINDOW_BYTES;
  #connectionWindow = INITIAL_WINDOW_BYTES;
  #receivedBytes = 0;
  /** The header of the current frame, and the missing bytes of its payload. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #payloadLeft = 0;
  /** The payload so far, unless the frame is DATA. */
  #payload: Buffer[] = [];
  #isRequested = false;

  constructor(port: number, listener: Http2StreamListener) {
    this.#port = port;
    this.#listener = listener;
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(INITIAL_WINDOW_SIZE);
    settings.writeUInt32BE(MAX_WINDOW_BYTES, 2);
    const opened = windowUpdate(0, MAX_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
    listener.send(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), opened]));
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_PAYLOAD_BYTES) {
      this.#queue.push(bytes.subarray(at, at + MAX_PAYLOAD_BYTES));
    }
    this.#flush();
  }

  /** Reads `bytes[0, end)` of the connection. */
  receive(bytes: Buffer, end: number): void {
    for (let at = 0; at < end;) {
      if (this.#headerLength < FRAME_HEADER_BYTES) {
        this.#header[this.#headerLength++] = bytes[at++];
        if (this.#headerLength < FRAME_HEADER_BYTES) continue;
        this.#payloadLeft = this.#header.readUIntBE(0, 3);
      }
      const taken = Math.min(this.#payloadLeft, end - at);
      if (taken > 0) this.#receivePayload(bytes, at, at + taken);
      at += taken;
      this.#payloadLeft -= taken;
      if (this.#payloadLeft === 0) this.#endFrame();
    }
  }

  #receivePayload(bytes: Buffer, start: number, end: number): void {
    if (this.#header[3] !== DATA) {
      this.#payload.push(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    this.#receivedBytes += end - start;
    if (this.#receivedBytes > TOP_UP_BYTES) this.#topUp();
    this.#listener.onBytes(bytes, start, end);
  }

  #endFrame(): void {
    this.#headerLength = 0;
    const type = this.#header[3];
    const isAck = (this.#header[4] & ACK) !== 0;
    if (type === DATA) return;
    const payload = Buffer.concat(this.#payload);
    this.#payload = [];
    if (type === SETTINGS && !isAck) this.#receiveSettings(payload);
    else if (type === HEADERS) this.#receiveHeaders(payload);
    else if (type === WINDOW_UPDATE) this.#receiveWindow(payload);
    else if (type === PING && !isAck) this.#listener.send(frame(PING, ACK, 0, payload));
    else if (type === RST_STREAM || type === GOAWAY) {
      throw new Error(`the server ended an HTTP/2 stream: ${payload.toString("hex")}`);
    }
  }

  #receiveSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue;
      this.#streamWindow = payload.readUInt32BE(at + 2);
    }
    this.#listener.send(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    // RFC 8441 3: only after its settings, a server accepts an extended CONNECT.
    if (!this.#isRequested) {
      this.#listener.send(frame(HEADERS, END_HEADERS, STREAM_ID, this.#request()));
    }
    this.#isRequested = true;
  }

  #request(): Buffer {
    return fieldBlock({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":path": "/",
      ":authority": `127.0.0.1:${this.#port}`,
      "sec-websocket-version": "13",
    });
  }

  #receiveHeaders(payload: Buffer): void {
    if (payload[0] !== STATUS_200) {
      throw new Error(`the server refused the handshake: ${payload.toString("hex")}`);
    }
    this.#listener.onOpen();
  }

  #receiveWindow(payload: Buffer): void {
    const isOfStream = this.#header.readUInt32BE(5) === STREAM_ID;
    if (isOfStream) this.#streamWindow += payload.readUInt32BE();
    else this.#connectionWindow += payload.readUInt32BE();
    this.#flush();
  }

  /** Sends the queued bytes that the windows allow. */
  #flush(): void {
    let sent = 0;
    for (; sent < this.#queue.length; sent++) {
      const { length } = this.#queue[sent];
      if (length > this.#streamWindow || length > this.#connectionWindow) break;
      this.#streamWindow -= length;
      this.#connectionWindow -= length;
    }
    if (sent > 0) this.#listener.send(dataFrames(this.#queue.splice(0, sent)));
  }

  #topUp(): void {
    const bytes = this.#receivedBytes;
    this.#receivedBytes = 0;
    this.#listener.send(Buffer.concat([windowUpdate(0, bytes), windowUpdate(STREAM_ID, bytes)]));
  }
}

function dataFrames(pieces: readonly Uint8Array[]): Buffer {
  const size = pieces.reduce((sum, { length }) => sum + FRAME_HEADER_BYTES + length, 0);
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    writeHeader(frames, at, [DATA, 0, STREAM_ID], piece.length);
    frames.set(piece, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + piece.length;
  }
  return frames;
}

function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, [type, flags, streamId], payload.length);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Writes the header of a frame (RFC 9113 4.1). */
function writeHeader(
  target: Buffer,
  at: number,
  [type, flags, streamId]: readonly [type: number, flags: number, streamId: number],
  length: number,
): void {
  target.writeUIntBE(length, at, 3);
  target[at + 3] = type;
  target[at + 4] = flags;
  target.writeUInt32BE(streamId, at + 5);
}

function windowUpdate(streamId: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, streamId, payload);
}

/** RFC 7541 6.2.2: literal fields with new names, without indexing and without Huffman code. */
function fieldBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) =>
      Buffer.from([0, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)]),
    ),
  );
}
