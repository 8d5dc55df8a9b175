import type { Connection } from "../connection/connection.ts";
import { TransportError } from "../errors/index.ts";
import { Fifo } from "../streams/fifo.ts";
import { isBlob, type Message, readBlob } from "./message-data.ts";

interface WaitingMessage {
  readonly message: Message;
  readonly byteLength: number;
}

/**
 * Sends the messages of a WebSocket in order, and counts the bytes that have not been sent. A Blob can be
 * read only asynchronously, so the Blob and the messages after it wait here.
 */
export class Outbox {
  readonly #connection: Connection;
  /** The waiting messages, without the Blob that is being read. */
  #waiting = new Fifo<WaitingMessage>();
  #waitingBytes = 0;
  /** Whether messages wait, or a Blob is being read. */
  #isPassing = false;
  #isCleared = false;
  #whenEmpty: (() => void) | undefined;
  /** The number of payload bytes in the connection's output after the last message was passed to it. */
  #passedBytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The number of payload bytes that wait here or in the connection. */
  get byteLength(): number {
    return this.#waitingBytes + this.#unsentBytes;
  }

  /** Sends a message, or keeps a copy if other messages wait. `byteLength` is the size of its payload. */
  send(message: Message, byteLength: number): void {
    if (isBlob(message)) this.#add(message, byteLength);
    else if (!this.#isPassing) this.#pass(message, byteLength);
    else this.#add(typeof message === "string" ? message : message.slice(), byteLength);
  }

  /** Calls back once all messages so far have been passed to the connection; at once if none waits. */
  whenEmpty(callback: () => void): void {
    if (!this.#isPassing) callback();
    else this.#whenEmpty = callback;
  }

  /** Drops the waiting messages, because the connection takes no more. Returns their size in bytes. */
  clear(): number {
    const droppedBytes = this.#waitingBytes;
    this.#waiting = new Fifo();
    this.#waitingBytes = 0;
    this.#whenEmpty = undefined;
    this.#isCleared = true;
    return droppedBytes;
  }

  /**
   * The connection's `bufferedAmount` includes framing. So this value is exact when it grows, and may shrink
   * late, but always reaches 0.
   */
  get #unsentBytes(): number {
    return Math.min(this.#passedBytes, this.#connection.bufferedAmount);
  }

  #pass(message: string | Uint8Array, byteLength: number): void {
    this.#passedBytes = this.#unsentBytes + byteLength;
    if (typeof message === "string") this.#connection.sendText(message);
    else this.#connection.sendBinary(message);
  }

  #add(message: Message, byteLength: number): void {
    this.#waiting.push({ message, byteLength });
    this.#waitingBytes += byteLength;
    if (!this.#isPassing) void this.#passWaiting();
  }

  async #passWaiting(): Promise<void> {
    this.#isPassing = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { message, byteLength } = next;
      const data = isBlob(message) ? await this.#read(message) : message;
      if (data === undefined) return;
      this.#waitingBytes -= byteLength;
      this.#pass(data, byteLength);
    }
    this.#isPassing = false;
    this.#whenEmpty?.();
  }

  /**
   * Reads a Blob. Returns undefined if the Blob was dropped during the read, or could not be read, which
   * fails the connection.
   */
  async #read(blob: Blob): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readBlob(blob);
      return this.#isCleared ? undefined : bytes;
    } catch (cause) {
      if (!this.#isCleared) {
        const message = "a Blob passed to send cannot be read";
        this.#connection.terminate(new TransportError("BLOB_UNREADABLE", message, { cause }));
      }
      return undefined;
    }
  }
}
