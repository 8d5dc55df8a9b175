import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Server } from "tideway/server";
import { onTestFinished } from "vitest";
import { CERT } from "../../support/certificate.ts";

/** The types of frames (RFC 9113 6). */
export const FrameType = {
  Data: 0,
  Headers: 1,
  RstStream: 3,
  Settings: 4,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

/** The connection preface of a client (RFC 9113 3.4). */
export const HELLO: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** END_STREAM, the flag of the last frame that one side sends on a stream. */
export const END_STREAM = 0x1;
const END_HEADERS = 0x4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A client that sends any bytes over an HTTP/2 connection. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly frames: Frame[] = [];
  #pending: Buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  /** Starts to connect. */
  static begin({ port }: Pick<Server, "port">, options: ConnectionOptions = {}): RawClient {
    const socket = connect({
      port,
      servername: "localhost",
      ca: CERT,
      ALPNProtocols: ["h2"],
      ...options,
    });
    onTestFinished(() => void socket.destroy());
    return new RawClient(socket);
  }

  /** Connects and sends nothing. */
  static async connect(server: Server, options?: ConnectionOptions): Promise<RawClient> {
    const client = RawClient.begin(server, options);
    await once(client.socket, "secureConnect");
    return client;
  }

  /** Connects and sends the preface and SETTINGS (RFC 9113 3.4). */
  static async open(
    server: Server,
    settings: Buffer = Buffer.alloc(0),
    options?: ConnectionOptions,
  ): Promise<RawClient> {
    const client = await RawClient.connect(server, options);
    client.send(HELLO, frame(FrameType.Settings, 0, 0, settings));
    return client;
  }

  /** All in one write, so that the server reads them together. */
  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Waits for a frame from the server, including those received before. */
  async receives(type: number, streamId: number): Promise<Frame> {
    for (;;) {
      const found = this.frames.find((one) => one.type === type && one.streamId === streamId);
      if (found !== undefined) return found;
      await once(this.socket, "data");
    }
  }

  /** Waits until the server ends the connection in any way. */
  async closed(): Promise<void> {
    const { socket } = this;
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  }

  #receive(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 9) {
      const length = this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < 9 + length) return;
      this.frames.push({
        type: this.#pending[3],
        flags: this.#pending[4],
        streamId: this.#pending.readUInt32BE(5),
        payload: this.#pending.subarray(9, 9 + length),
      });
      this.#pending = this.#pending.subarray(9 + length);
    }
  }
}

/** One frame (RFC 9113 4.1). */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A HEADERS frame without compression (RFC 7541 6.2.2). */
export function headersFrame(
  streamId: number,
  fields: ReadonlyArray<readonly [string, string]>,
  endsStream = false,
): Buffer {
  const block = fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]);
  const flags = END_HEADERS | (endsStream ? END_STREAM : 0);
  return frame(FrameType.Headers, flags, streamId, Buffer.concat(block));
}

/** The opening handshake of a WebSocket. */
export function connectFrame(
  streamId: number,
  path: string,
  more: ReadonlyArray<readonly [string, string]> = [],
): Buffer {
  return headersFrame(streamId, [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "https"],
    [":path", path],
    [":authority", "localhost"],
    ["sec-websocket-version", "13"],
    ...more,
  ]);
}

export function dataFrame(streamId: number, payload: Uint8Array, endsStream = false): Buffer {
  return frame(FrameType.Data, endsStream ? END_STREAM : 0, streamId, payload);
}

export function resetFrame(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(FrameType.RstStream, 0, streamId, payload);
}

/** The payload of a SETTINGS frame with one setting (RFC 9113 6.5.1). */
export function settingsPayload(identifier: number, value: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(identifier);
  payload.writeUInt32BE(value, 2);
  return payload;
}

/** Allows the server to send `increment` more bytes. */
export function windowFrame(streamId: number, increment: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(increment);
  return frame(FrameType.WindowUpdate, 0, streamId, payload);
}

/** The error code of a RST_STREAM frame. */
export function codeOf({ payload }: Frame): number {
  return payload.readUInt32BE(0);
}

/** A string literal. A length above 126 takes more than one byte (RFC 7541 5.1). */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length: number[] = [127];
  let rest = bytes.length - 127;
  while (rest >= 128) {
    length.push((rest & 127) | 128);
    rest >>= 7;
  }
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
