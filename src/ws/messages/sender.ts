import type { Duplex } from "node:stream";
import { closePayload } from "../../protocol/close-frame.ts";
import { MessageDeflate } from "../../protocol/deflate/message-deflate.ts";
import { Opcode } from "../../protocol/opcode.ts";
import {
  checkControlBytes,
  readCloseReason,
  type SendOptions,
  toControlPayload,
} from "./arguments.ts";
import { BlobQueue } from "./blob-queue.ts";
import type { SendCallback } from "./callbacks.ts";
import { environment } from "./environment.ts";
import { encodeFrame, type FrameOptions } from "./frame.ts";
import { isBlob, NO_BYTES, toBytes, toSendable } from "./message-data.ts";
import type { PerMessageDeflate } from "../extensions/per-message-deflate.ts";

/** The negotiated extensions of a {@link Sender}. */
export interface SenderExtensions {
  readonly "permessage-deflate"?: PerMessageDeflate;
}

/**
 * Writes frames to a socket. A WebSocket does not use this class. It is for applications that write frames
 * themselves.
 */
export class Sender {
  readonly #socket: Duplex;
  readonly #extension: PerMessageDeflate | undefined;
  readonly #generateMask: ((mask: Buffer) => void) | undefined;
  #deflate: MessageDeflate | undefined;
  /** Undefined unless the last fragment of a message has not been sent yet. */
  #message: { readonly isCompressed: boolean } | undefined;
  /** Undefined unless a Blob is being read. */
  #blobs: BlobQueue | undefined;

  /** Encodes a frame. Returns its header and its payload. */
  static frame(data: string | Buffer, options: FrameOptions): Buffer[] {
    return encodeFrame(data, options);
  }

  /** @param extensions messages can be compressed once `accept` of the extension has returned */
  constructor(
    socket: Duplex,
    extensions?: SenderExtensions,
    generateMask?: (mask: Buffer) => void,
  ) {
    this.#socket = socket;
    this.#extension = extensions?.["permessage-deflate"];
    this.#generateMask = generateMask;
  }

  /**
   * Sends a message, or a fragment of one. It is compressed only with `compress: true`. If a Blob cannot be read,
   * the socket is destroyed.
   *
   * @throws TypeError if `Buffer.from` does not accept the data
   */
  send(data: unknown, options: SendOptions = {}, callback?: SendCallback): void {
    const isBinary = options.binary ?? (isBlob(data) || typeof toSendable(data) !== "string");
    this.#inOrder(data, toBytes, callback, (bytes) => {
      this.#sendMessage(bytes, isBinary ? Opcode.Binary : Opcode.Text, options, callback);
    });
  }

  /** Sends a ping. @throws RangeError if the payload has more than 125 bytes */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.#sendControl(data, Opcode.Ping, mask, callback);
  }

  /** Sends a pong. @throws RangeError if the payload has more than 125 bytes */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.#sendControl(data, Opcode.Pong, mask, callback);
  }

  /**
   * Sends a Close frame.
   *
   * @throws TypeError if the code or the type of the reason is invalid; RangeError if the reason is too long
   */
  close(code?: number, data?: string | Buffer, mask?: boolean, callback?: SendCallback): void {
    const payload = closePayload(environment.protocol, code, readCloseReason(code, data));
    this.#inOrder(payload, toBytes, callback, (bytes) => {
      this.#write(bytes, { fin: true, opcode: Opcode.Close, mask }, callback);
    });
  }

  /** Writes the parts of an encoded frame. */
  sendFrame(parts: readonly Buffer[], callback?: SendCallback): void {
    const socket = this.#socket;
    socket.cork();
    for (const part of parts.slice(0, -1)) socket.write(part);
    socket.write(parts.at(-1) ?? NO_BYTES, (error) => callback?.(error ?? undefined));
    socket.uncork();
  }

  #sendControl(
    data: unknown,
    opcode: number,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    if (isBlob(data)) checkControlBytes(data.size);
    this.#inOrder(data, toControlPayload, callback, (bytes) => {
      this.#write(bytes, { fin: true, opcode, mask }, callback);
    });
  }

  /** Calls `write` with the bytes of `data`, after everything that was sent before has been written. */
  #inOrder(
    data: unknown,
    convert: (data: unknown) => Uint8Array,
    callback: SendCallback | undefined,
    write: (bytes: Uint8Array) => void,
  ): void {
    if (isBlob(data)) {
      this.#blobs ??= this.#createQueue();
      this.#blobs.addBlob(data, write, callback);
      return;
    }
    const bytes = convert(data);
    if (this.#blobs === undefined) write(bytes);
    else this.#blobs.add(bytes.length, () => write(bytes), callback);
  }

  #createQueue(): BlobQueue {
    return new BlobQueue({
      onBlobsSent: () => {
        this.#blobs = undefined;
      },
      // The peer must not get a message if an earlier message is missing.
      onBlobFailed: (error) => {
        this.#socket.destroy(error);
      },
    });
  }

  #sendMessage(
    bytes: Uint8Array,
    opcode: number,
    { fin = true, mask, compress = false }: SendOptions,
    callback: SendCallback | undefined,
  ): void {
    const earlier = this.#message;
    const asksToCompress = earlier?.isCompressed ?? (compress && this.#compresses(bytes));
    const deflated = asksToCompress ? this.#deflated(bytes, fin, earlier === undefined) : undefined;
    const isCompressed = deflated !== undefined;
    this.#message = fin ? undefined : { isCompressed };
    const frame = {
      fin,
      opcode: earlier === undefined ? opcode : Opcode.Continuation,
      rsv1: isCompressed && earlier === undefined,
      mask,
    };
    this.#write(deflated ?? bytes, frame, callback);
  }

  #compresses(bytes: Uint8Array): boolean {
    this.#deflate ??= this.#createDeflate();
    return this.#deflate?.isFor(bytes.length) === true;
  }

  /** Returns undefined before `accept` of the extension has returned. */
  #createDeflate(): MessageDeflate | undefined {
    const agreement = this.#extension?.agreement;
    return agreement && new MessageDeflate(agreement, environment.deflateCodec);
  }

  /** Compresses. Returns a copy, because the compressor reuses its buffer, and the socket may keep the bytes. */
  #deflated(bytes: Uint8Array, fin: boolean, isFirst: boolean): Uint8Array | undefined {
    const deflate = this.#deflate!;
    const isWhole = fin && isFirst;
    const deflated = isWhole ? deflate.deflate(bytes) : deflate.deflateFragment(bytes, fin);
    return deflated && Uint8Array.from(deflated);
  }

  #write(
    payload: Uint8Array,
    frame: Pick<FrameOptions, "fin" | "opcode" | "rsv1" | "mask">,
    callback: SendCallback | undefined,
  ): void {
    const { buffer, byteOffset, byteLength } = payload;
    const data = Buffer.from(buffer, byteOffset, byteLength);
    this.sendFrame(encodeFrame(data, { ...frame, generateMask: this.#generateMask }), callback);
  }
}
