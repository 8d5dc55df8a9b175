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

/**
 * The maximum number of bytes in the readable's queue; then reading stops. Text counts by its length in
 * UTF-16 units.
 */
const MAX_WAITING_BYTES = 65_536;

/** The cost of an empty message, so that a flood of empty messages fills the readable too. */
const BYTES_PER_MESSAGE = 64;

export interface ConnectionStreamsOwner {
  /** Called when the connection is closed, with an error unless it was closed cleanly. */
  onClosed(info: CloseInfo, error: WebSocketError | undefined): void;
  /** Calls back once the messages of the current turn of the event loop have been written. */
  afterFlush(callback: () => void): void;
}

/** The functions that settle the promise of a pending write. */
interface PendingWrite {
  resolve(): void;
  reject(error: unknown): void;
}

/** The readable and the writable stream of a connection. */
export class ConnectionStreams implements ConnectionHandler {
  readonly readable: ReadableStream<Received>;
  readonly writable: WritableStream<WebSocketStreamChunk>;
  readonly #connection: Connection;
  readonly #owner: ConnectionStreamsOwner;
  // Set by `start`, which the constructor of a stream calls.
  #readableController!: ReadableStreamDefaultController<Received>;
  #writableController!: WritableStreamDefaultController;
  #isCancelled = false;
  /** There is at most one, because a writable stream passes one chunk at a time to its sink. */
  #pendingWrite: PendingWrite | undefined;
  /** The pending `close` of the writable, which resolves when the connection is closed. */
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
        // The `abort` callback of the sink would wait for the pending write, which never ends if the peer
        // does not read.
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
    // The bytes may be of a subclass, such as Node's Buffer.
    const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
    this.#enqueue(new Uint8Array(buffer, byteOffset, byteLength));
  }

  onClosing(): void {
    // The streams stay open until the connection is closed, because only then it is known whether the close
    // was clean.
  }

  onDrain(): void {
    this.#checkWritten();
  }

  onClose(info: CloseInfo): void {
    const isClean = info.wasClean && this.#pendingWrite === undefined;
    const error = isClean ? undefined : connectionError(describeEnd(info), info);
    // A server may close the connection during a write. The protocol then ends cleanly, but the write fails.
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
    // Drops messages that arrive after this side has begun to close.
    if (this.#connection.readyState !== ReadyState.Open) return;
    this.#readableController.enqueue(chunk);
    if (this.#readableController.desiredSize! <= 0) this.#connection.pause();
  }

  #pull(): void {
    // Reading resumes only when the queue is less than half full. Otherwise it would stop and start for each
    // message.
    if (this.#readableController.desiredSize! * 2 >= MAX_WAITING_BYTES) this.#connection.resume();
  }

  #write(chunk: WebSocketStreamChunk): Promise<void> {
    // Web IDL's `(BufferSource or USVString)` does not include Blob, so a Blob becomes a string, like any
    // other object.
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

  /** "Close using reason": only a `WebSocketError` has a code and a reason to send. */
  #closeUsing(reason: unknown): void {
    let close: CloseArguments = { code: undefined, reason: "" };
    if (reason instanceof WebSocketError) {
      try {
        close = readCloseInfo({ closeCode: reason.closeCode ?? undefined, reason: reason.reason });
      } catch {
        // The error of a lost connection has the code 1006, which must not be sent.
      }
    }
    this.close(close);
  }
}

function closedError(): DOMException {
  return new DOMException("the connection is closed or closing", "InvalidStateError");
}

function describeEnd({ code, error, wasClean }: CloseInfo): string {
  if (wasClean)
    return `the connection was closed with ${code} before all written messages were sent`;
  return error?.message ?? "the connection was lost";
}
