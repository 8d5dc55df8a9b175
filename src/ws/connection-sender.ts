import { type FrameConnection, ReadyState } from "../connection/connection.ts";
import { callWhenWritten, readCallback } from "./callbacks.ts";
import type { SendCallback } from "./web-socket.ts";

/** Closes the connection if more than `maxBufferedBytes` wait to be sent. Returns whether it did. */
type DropIfSlow = (callback: SendCallback | undefined) => boolean;

/** The property `_sender` of a WebSocket, for code that encodes its frames with `Sender.frame`. */
export class ConnectionSender {
  readonly #connection: FrameConnection;
  readonly #dropIfSlow: DropIfSlow;

  constructor(connection: FrameConnection, dropIfSlow: DropIfSlow) {
    this.#connection = connection;
    this.#dropIfSlow = dropIfSlow;
  }

  /**
   * Sends the parts of an encoded frame, without checking the frame.
   *
   * @throws TypeError if the callback is not a function
   */
  sendFrame(parts: readonly Uint8Array[], onWritten?: SendCallback): void {
    const callback = readCallback(onWritten);
    const isOpen = this.#connection.readyState === ReadyState.Open;
    if (isOpen && this.#dropIfSlow(callback)) return;
    for (const part of parts) this.#connection.sendEncoded(part);
    callWhenWritten(this.#connection, callback);
  }
}
