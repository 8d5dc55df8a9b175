import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "../connection/connection.ts";
import { isBlob, toMessage } from "./message-data.ts";
import {
  type CloseArguments,
  connectionError,
  readCloseInfo,
  WebSocketError,
} from "./web-socket-error.ts";
import type { WebSocketStreamChunk } from "./web-socket-stream-interface.ts";

type Received = string | Uint8Array<ArrayBuffer>;

/** Waits in the readable at most, a text counted by its length, before the network is left alone. */
const MAX_WAITING_BYTES = 65_536;

/** What a message of no bytes at all still costs: a flood of them must fill the readable too. */
const BYTES_PER_MESSAGE = 64;

export interface ConnectionStreamsOwner {
  /** The connection is over; with an error unless it ended cleanly. */
  onClosed(info: CloseInfo, error: WebSocketError | undefined): void;
  /** Calls back once what was sent in the running turn has been written. */
  afterFlush(callback: () => void): void;
}

/** A write whose bytes have not all left. */
interface PendingWrite {
  resolve(): void;
  reject(error: unknown): void;
}

/** Takes a connection over, and makes two streams of it. */
export class ConnectionStreams implements ConnectionHandler {
  readonly readable: ReadableStream<Received>;
  readonly writable: WritableStream<WebSocketStreamChunk>;
  readonly #connection: Connection;
  readonly #owner: ConnectionStreamsOwner;
  // A stream calls `start` while it is made.
  #readableController!: ReadableStreamDefaultController<Received>;
  #writableController!: WritableStreamDefaultController;
  #isCancelled = false;
  /** A writable stream gives one chunk at a time to its sink. */
  #pendingWrite: PendingWrite | undefined;
  /** `close` of the writable, which is done when the connection is over. */
  #pendingClose: PendingWrite | undefined;

  constructor(connection: Connection, owner: ConnectionStreamsOwner) {
    this.#connection = connection;
    this.#owner = owner;
    this.readable = new ReadableStream<Received>(
      {
        start: (controller) => void (this.#readableController = controller),
        pull: () => this.#pull(),
        cancel: (reason) => {
          this.#isCancelled = true;
          this.#closeUsing(reason);
        },
      },
      {
        highWaterMark: MAX_WAITING_BYTES,
        size: (chunk) => BYTES_PER_MESSAGE + (chunk?.length ?? 0),
      },
    );
    this.writable = new WritableStream<WebSocketStreamChunk>({
      start: (controller) => {
        this.#writableController = controller;
        // `abort` itself would wait for a write that a stuck peer may keep from ever ending.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#closeUsing(signal.reason));
      },
      write: (chunk) => this.#write(chunk),
      close: () => {
        connection.close();
        return new Promise<void>((resolve, reject) => (this.#pendingClose = { resolve, reject }));
      },
    });
    connection.start(this);
  }

  close({ code, reason }: CloseArguments): void {
    this.#connection.close(code, reason);
  }

  onText(text: string): void {
    this.#enqueue(text);
  }

  onBinary(bytes: Uint8Array): void {
    // A runtime may hand out a subclass of its own, such as Node's Buffer.
    const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
    this.#enqueue(new Uint8Array(buffer, byteOffset, byteLength));
  }

  onClosing(): void {
    // The streams go on until the connection is over, and it is known whether it ended cleanly.
  }

  onDrain(): void {
    this.#checkWritten();
  }

  onClose(info: CloseInfo): void {
    const isClean = info.wasClean && this.#pendingWrite === undefined;
    const error = isClean ? undefined : connectionError(describeEnd(info), info);
    // A server that closed in the midst of a write has ended the connection by the rules all the same.
    const writeError = info.wasClean ? closedError() : error;
    if (error !== undefined) this.#readableController.error(error);
    else if (!this.#isCancelled) this.#readableController.close();
    this.#writableController.error(writeError);
    this.#pendingWrite?.reject(writeError);
    if (error === undefined) this.#pendingClose?.resolve();
    else this.#pendingClose?.reject(error);
    this.#owner.onClosed(info, error);
  }

  #enqueue(chunk: Received): void {
    // What comes after this side began to close concerns nobody.
    if (this.#connection.readyState !== ReadyState.Open) return;
    this.#readableController.enqueue(chunk);
    if (this.#readableController.desiredSize! <= 0) this.#connection.pause();
  }

  #pull(): void {
    // Half of it has to be gone first, or the network would be stopped and started at each message.
    if (this.#readableController.desiredSize! * 2 >= MAX_WAITING_BYTES) this.#connection.resume();
  }

  #write(chunk: WebSocketStreamChunk): Promise<void> {
    // Web IDL's `(BufferSource or USVString)` knows no Blob: as any other object it becomes a string.
    const message = isBlob(chunk) ? `${chunk as unknown as string}` : toMessage(chunk);
    const connection = this.#connection;
    if (connection.readyState !== ReadyState.Open) throw closedError();
    if (typeof message === "string") connection.sendText(message);
    else connection.sendBinary(message as Uint8Array);
    return new Promise((resolve, reject) => {
      this.#pendingWrite = { resolve, reject };
      this.#owner.afterFlush(() => this.#checkWritten());
    });
  }

  #checkWritten(): void {
    if (this.#connection.bufferedAmount > 0) return;
    this.#pendingWrite?.resolve();
    this.#pendingWrite = undefined;
  }

  /** "Close using reason": only a `WebSocketError` says what is to be sent. */
  #closeUsing(reason: unknown): void {
    let close: CloseArguments = { code: undefined, reason: "" };
    if (reason instanceof WebSocketError) {
      try {
        close = readCloseInfo({ closeCode: reason.closeCode ?? undefined, reason: reason.reason });
      } catch {
        // The error of a lost connection has a code that must not be sent.
      }
    }
    this.close(close);
  }
}

function closedError(): DOMException {
  return new DOMException("the connection is closed, or being closed", "InvalidStateError");
}

function describeEnd({ code, error, wasClean }: CloseInfo): string {
  if (wasClean) return `closed with ${code} before everything written had left`;
  return error?.message ?? "the connection was lost";
}
