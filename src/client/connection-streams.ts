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

/** The most that waits in the readable before reading stops. Text counts by its length. */
const MAX_WAITING_BYTES = 65_536;

/** The cost of an empty message, so that a flood of empty messages fills the readable too. */
const BYTES_PER_MESSAGE = 64;

export interface ConnectionStreamsOwner {
  /** The connection is closed, with an error unless it closed cleanly. */
  onClosed(info: CloseInfo, error: WebSocketError | undefined): void;
  /** Calls back once the messages of the running turn have been written. */
  afterFlush(callback: () => void): void;
}

/** The promise of a write that is not done. */
interface PendingWrite {
  resolve(): void;
  reject(error: unknown): void;
}

/** Makes two streams of a connection. */
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
  /** `close` of the writable, which is done when the connection is closed. */
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
        // `abort` itself would wait for a write, which never ends if the peer is stuck.
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
    // The streams stay open until the connection is closed, because only then is it known whether the close
    // was clean.
  }

  onDrain(): void {
    this.#checkWritten();
  }

  onClose(info: CloseInfo): void {
    const isClean = info.wasClean && this.#pendingWrite === undefined;
    const error = isClean ? undefined : connectionError(describeEnd(info), info);
    // A server may close during a write. That end is clean for the protocol, but not for the writer.
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
    // Messages after this side began to close are dropped.
    if (this.#connection.readyState !== ReadyState.Open) return;
    this.#readableController.enqueue(chunk);
    if (this.#readableController.desiredSize! <= 0) this.#connection.pause();
  }

  #pull(): void {
    // Reading resumes only below half of it. Otherwise it would stop and start with each message.
    if (this.#readableController.desiredSize! * 2 >= MAX_WAITING_BYTES) this.#connection.resume();
  }

  #write(chunk: WebSocketStreamChunk): Promise<void> {
    // Web IDL's `(BufferSource or USVString)` has no Blob, so a Blob becomes a string as any other object.
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
        // The error of a lost connection has a code that must not be sent.
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
