import type { Duplex } from "node:stream";
import { Opcode } from "../protocol/opcode.ts";
import { readCloseReason, toControlPayload } from "./arguments.ts";
import { encodeFrame, type FrameOptions } from "./frame.ts";
import { NO_BYTES, toBytes, toSendable } from "./messages.ts";
import type { SendCallback, SendOptions } from "./web-socket.ts";

/**
 * Writes frames to a socket, one write for each call. A WebSocket does not use it. It is for code that
 * writes frames without a WebSocket. It does not compress.
 */
export class Sender {
  readonly #socket: Duplex;
  readonly #generateMask: ((mask: Buffer) => void) | undefined;
  /** Whether a message has been sent without its last fragment. */
  #isInMessage = false;

  /** Encodes a frame. Returns its header and its payload. */
  static frame(data: string | Buffer, options: FrameOptions): Buffer[] {
    return encodeFrame(data, options);
  }

  /** @param _extensions has no effect, because this class does not compress */
  constructor(socket: Duplex, _extensions?: unknown, generateMask?: (mask: Buffer) => void) {
    this.#socket = socket;
    this.#generateMask = generateMask;
  }

  /**
   * Sends a message, or a fragment of one.
   *
   * @throws TypeError if `Buffer.from` does not accept the data
   */
  send(data: unknown, options: SendOptions = {}, callback?: SendCallback): void {
    const sendable = toSendable(data);
    const isBinary = options.binary ?? typeof sendable !== "string";
    const opcode = isBinary ? Opcode.Binary : Opcode.Text;
    const { fin = true, mask } = options;
    this.#write(
      toBytes(data),
      this.#isInMessage ? Opcode.Continuation : opcode,
      mask,
      fin,
      callback,
    );
    this.#isInMessage = !fin;
  }

  /** @throws RangeError if the payload has more than 125 bytes */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.#write(toControlPayload(data), Opcode.Ping, mask, true, callback);
  }

  /** @throws RangeError if the payload has more than 125 bytes */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.#write(toControlPayload(data), Opcode.Pong, mask, true, callback);
  }

  /** @throws TypeError if the code must not be sent; RangeError if the reason is too long */
  close(code?: number, data?: string | Buffer, mask?: boolean, callback?: SendCallback): void {
    const payload = closePayload(code, readCloseReason(code, data));
    this.#write(payload, Opcode.Close, mask, true, callback);
  }

  /** Writes the parts of an encoded frame. */
  sendFrame(parts: readonly Buffer[], callback?: SendCallback): void {
    const frame = Buffer.concat(parts);
    this.#socket.write(frame, (error) => callback?.(error ?? undefined));
  }

  #write(
    payload: Uint8Array,
    opcode: number,
    mask: boolean | undefined,
    fin: boolean,
    callback: SendCallback | undefined,
  ): void {
    const { buffer, byteOffset, byteLength } = payload;
    const data = Buffer.from(buffer, byteOffset, byteLength);
    const generateMask = this.#generateMask;
    this.sendFrame(encodeFrame(data, { fin, opcode, mask, generateMask }), callback);
  }
}

function closePayload(code: number | undefined, reason: string): Buffer {
  if (code === undefined) return NO_BYTES;
  return Buffer.concat([Buffer.of(code >>> 8, code), Buffer.from(reason)]);
}
