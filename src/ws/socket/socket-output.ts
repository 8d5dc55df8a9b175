import { type FrameConnection, ReadyState } from "../../connection/connection.ts";
import { CloseCode } from "../../protocol/close-code.ts";
import { checkControlBytes, type SendOptions, toControlPayload } from "../messages/arguments.ts";
import { BlobQueue, type BlobQueueOwner } from "../messages/blob-queue.ts";
import { callWhenWritten, readCallback, type SendCallback } from "../messages/callbacks.ts";
import { notOpenError } from "../messages/errors.ts";
import { isBlob, toBytes, toSendable } from "../messages/message-data.ts";
import { RepeatedTexts } from "./repeated-texts.ts";
import type { SocketEvents } from "./socket-events.ts";

export interface SocketOutputOptions {
  readonly isServer: boolean;
  /** The maximum number of bytes that wait to be sent. Undefined for no limit. */
  readonly maxBufferedBytes: number | undefined;
}

/** The texts of all connections, so that a broadcast is recognized. */
const repeatedTexts = new RepeatedTexts();

/** Sends the messages of a WebSocket over its connection. */
export class SocketOutput implements BlobQueueOwner {
  readonly #connection: FrameConnection;
  readonly #events: SocketEvents;
  readonly #isServer: boolean;
  readonly #maxBufferedBytes: number | undefined;
  /** Undefined unless a Blob is being read. Messages that are sent during that time wait in this queue. */
  #blobs: BlobQueue | undefined;
  /** Whether the Close frame waits in `#blobs`. */
  #isCloseQueued = false;
  /** Whether a message has been sent without its last fragment. */
  #isInMessage = false;

  constructor(connection: FrameConnection, events: SocketEvents, options: SocketOutputOptions) {
    this.#connection = connection;
    this.#events = events;
    this.#isServer = options.isServer;
    this.#maxBufferedBytes = options.maxBufferedBytes;
  }

  /** The state of the connection; CLOSING also while the Close frame waits for a Blob. */
  get readyState(): ReadyState {
    const { readyState } = this.#connection;
    return this.#isCloseQueued && readyState === ReadyState.Open ? ReadyState.Closing : readyState;
  }

  /** The number of bytes that wait for a Blob, without framing. */
  get queuedBytes(): number {
    return this.#blobs?.queuedBytes ?? 0;
  }

  /** Sends a message, or a fragment of one, if the connection is open. */
  send(data: unknown, options: SendOptions, callback: SendCallback | undefined): void {
    const sendable =
      typeof data === "string" || data instanceof Uint8Array
        ? data
        : isBlob(data)
          ? undefined
          : toSendable(data);
    if (sendable === undefined) {
      const send = (bytes: Uint8Array): void =>
        this.#sendNow(bytes, { binary: true, ...options }, callback);
      this.#sendBlob(data as Blob, send, callback);
    } else if (this.#blobs === undefined) this.#sendNow(sendable, options, callback);
    else {
      const send = (): void => this.#sendNow(sendable, options, callback);
      this.#blobs.add(sendable.length, () => this.#ifOpen(callback, send), callback);
    }
  }

  /**
   * Sends a ping or a pong, if the connection is open.
   *
   * @throws RangeError if the payload has more than 125 bytes; TypeError if `Buffer.from` does not accept it
   */
  sendControl(
    type: "ping" | "pong",
    data: unknown,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    const send = (bytes: Uint8Array): void => this.#sendControlNow(type, bytes, mask, callback);
    if (isBlob(data)) {
      checkControlBytes(data.size);
      this.#sendBlob(data, send, callback);
      return;
    }
    const payload = toControlPayload(data);
    if (this.#blobs === undefined) send(payload);
    else
      this.#blobs.add(payload.length, () => this.#ifOpen(callback, () => send(payload)), callback);
  }

  /**
   * Sends the parts of a frame that `Sender.frame` has encoded, without checking the frame.
   *
   * @throws TypeError if the callback is not a function
   */
  sendFrame(parts: readonly Uint8Array[], onWritten?: SendCallback): void {
    const callback = readCallback(onWritten);
    this.#ifOpen(callback, () => {
      if (this.#dropIfSlow(callback)) return;
      for (const part of parts) this.#connection.sendEncoded(part);
      if (callback !== undefined) callWhenWritten(this.#connection, callback);
    });
  }

  /** Starts the closing handshake after everything that was sent before. */
  close(code: number | undefined, reason: string): void {
    const close = (): void => this.#connection.close(code, reason);
    if (this.#blobs === undefined) {
      close();
    } else {
      this.#isCloseQueued = true;
      this.#blobs.add(0, close, undefined);
    }
  }

  /** Drops everything that waits for a Blob, because the connection is closed, or is being closed. */
  abandon(): void {
    this.#blobs?.abandon(new Error("The socket was closed while the blob was being read"));
  }

  #sendNow(
    data: string | Uint8Array,
    options: SendOptions,
    callback: SendCallback | undefined,
  ): void {
    if (this.#dropIfSlow(callback)) return;
    const connection = this.#connection;
    const { binary = typeof data !== "string", compress = true, fin = true, mask } = options;
    if (mask !== undefined) this.#sendWithMask(mask, data, options);
    else if (!fin || this.#isInMessage) this.#sendFragment(toBytes(data), binary, fin, compress);
    else if (binary) connection.sendBinary(toBytes(data), compress);
    else if (typeof data !== "string") connection.sendTextBytes(data, compress);
    else this.#sendText(data, compress);
    if (callback !== undefined) callWhenWritten(connection, callback);
  }

  #sendText(text: string, mayCompress: boolean): void {
    const message = mayCompress ? repeatedTexts.find(text) : undefined;
    if (message === undefined) this.#connection.sendText(text, mayCompress);
    else this.#connection.sendPrepared(message);
  }

  #sendWithMask(mask: boolean, data: string | Uint8Array, options: SendOptions): void {
    const { binary = typeof data !== "string", compress = true, fin = true } = options;
    const connection = this.#connection;
    connection.masksFrames = mask;
    if (!fin || this.#isInMessage) this.#sendFragment(toBytes(data), binary, fin, compress);
    else if (binary) connection.sendBinary(toBytes(data), compress);
    else connection.sendTextBytes(toBytes(data), compress);
    connection.masksFrames = !this.#isServer;
  }

  #sendFragment(bytes: Uint8Array, isBinary: boolean, isFinal: boolean, compress: boolean): void {
    this.#connection.sendFragment(bytes, isBinary ? "binary" : "text", isFinal, compress);
    this.#isInMessage = !isFinal;
  }

  #sendControlNow(
    type: "ping" | "pong",
    payload: Uint8Array,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    if (this.#dropIfSlow(callback)) return;
    const connection = this.#connection;
    if (mask !== undefined) connection.masksFrames = mask;
    connection[type](payload);
    if (mask !== undefined) connection.masksFrames = !this.#isServer;
    if (callback !== undefined) callWhenWritten(connection, callback);
  }

  /** Reads a Blob, and passes its bytes to `send` if the connection is open. */
  #sendBlob(
    blob: Blob,
    send: (bytes: Uint8Array) => void,
    callback: SendCallback | undefined,
  ): void {
    const sendIfOpen = (bytes: Uint8Array): void => {
      if (this.#connection.readyState === ReadyState.Open) send(bytes);
      else this.abandon();
    };
    this.#blobs ??= new BlobQueue(this);
    this.#blobs.addBlob(blob, sendIfOpen, callback);
  }

  /** Calls `send`, or the callback with an error if the connection has begun to close. */
  #ifOpen(callback: SendCallback | undefined, send: () => void): void {
    const { readyState } = this.#connection;
    if (readyState === ReadyState.Open) send();
    else if (callback !== undefined) process.nextTick(callback, notOpenError(readyState));
  }

  onBlobsSent(): void {
    this.#blobs = undefined;
    this.#isCloseQueued = false;
  }

  onBlobFailed(error: Error): void {
    // No `error` may follow `close`.
    if (this.#connection.readyState === ReadyState.Closed) return;
    this.#connection.terminate();
    this.#events.fail(error);
  }

  /** Closes the connection if more than `maxBufferedBytes` wait to be sent. Returns whether it did. */
  #dropIfSlow(callback: SendCallback | undefined): boolean {
    const maxBytes = this.#maxBufferedBytes;
    if (maxBytes === undefined) return false;
    const { bufferedAmount } = this.#connection;
    if (bufferedAmount <= maxBytes) return false;
    const error = new Error(
      `${bufferedAmount} bytes wait to be sent, more than maxBufferedBytes ${maxBytes}`,
    );
    this.#connection.close(CloseCode.TryAgainLater, "too slow");
    if (callback !== undefined) process.nextTick(callback, error);
    return true;
  }
}
