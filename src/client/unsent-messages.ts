import { TidewayError } from "../errors/index.ts";
import type { WebSocketData } from "./web-socket-interface.ts";

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
    const isBinary =
      data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data);
    // A Blob copies the bytes, which the caller may change later.
    const copy = new Blob([data as BlobPart]);
    if (maxBytes !== undefined) {
      maxBytes -= this.size;
      if (copy.size > maxBytes)
        throw new TidewayError("QUEUE_FULL", `${copy.size} bytes, room for ${maxBytes}`);
      this.#messages.push(isBinary ? copy : `${data}`);
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
