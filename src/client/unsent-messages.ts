import { TidewayError } from "../errors/index.ts";
import type { WebSocketData } from "./web-socket-interface.ts";

/** The memory that a waiting message needs besides its payload. */
const BYTES_PER_MESSAGE = 64;

/** The messages that wait for a connection, in the order in which they were passed to `send`. */
export class UnsentMessages {
  #messages: (string | Blob)[] = [];
  /** The number of payload bytes. */
  size = 0;

  /**
   * Keeps a copy of a message. Without `maxBytes`, the message is only counted, as `send` of a closed
   * WebSocket does.
   *
   * @throws TidewayError `QUEUE_FULL` if more than `maxBytes` would wait; nothing is changed then
   */
  add(data: WebSocketData, maxBytes?: number): void {
    // A view of another realm is not an instance of the classes of this one.
    const isBinary = (data as ArrayBuffer)?.byteLength >= 0 || data instanceof Blob;
    // A Blob copies the bytes, which the caller may change later.
    const copy = new Blob([data as BlobPart]);
    if (maxBytes !== undefined) {
      const bytes = this.size + copy.size + BYTES_PER_MESSAGE * this.#messages.length;
      if (bytes > maxBytes)
        throw new TidewayError("QUEUE_FULL", `${bytes} bytes exceed maxQueuedBytes ${maxBytes}`);
      this.#messages.push(isBinary ? copy : `${data as string}`);
    }
    this.size += copy.size;
  }

  /** Sends all messages and removes them. Does nothing unless `socket` is open. */
  send(socket: { readonly readyState: number; send(data: unknown): void } | undefined): void {
    if (socket?.readyState !== 1) return;
    for (const message of this.#messages) socket.send(message);
    this.#messages = [];
    this.size = 0;
  }
}
