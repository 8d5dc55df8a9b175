import type { FrameConnection } from "../connection/connection.ts";
import type { SendCallback } from "./web-socket.ts";

/** The property `_sender` of a WebSocket, for code that encodes its frames with `Sender.frame`. */
export class ConnectionSender {
  readonly #connection: FrameConnection;

  constructor(connection: FrameConnection) {
    this.#connection = connection;
  }

  /** Sends the parts of an encoded frame, without a check. */
  sendFrame(parts: readonly Uint8Array[], callback?: SendCallback): void {
    for (const part of parts) this.#connection.sendEncoded(part);
    if (callback !== undefined) {
      this.#connection.whenWritten((error) => process.nextTick(callback, error));
    }
  }
}
