import { Duplex, type DuplexOptions } from "node:stream";
import { ReadyState } from "../connection/connection.ts";
import type { SendCallback } from "./messages/callbacks.ts";
import type { RawData, SendableData } from "./messages/message-data.ts";
import type { WebSocket } from "./web-socket.ts";

type Callback = (error?: Error | null) => void;

/**
 * Creates a stream over a WebSocket. Each chunk that is written becomes a message, and each message becomes
 * a chunk. While the stream is full, the WebSocket is paused. Ending the stream closes the WebSocket, and
 * destroying it terminates the WebSocket. Errors of the WebSocket destroy the stream.
 *
 * @param options options of the `Duplex`. With `readableObjectMode`, text messages become strings.
 */
export function createWebSocketStream(webSocket: WebSocket, options: DuplexOptions = {}): Duplex {
  const bridge = new StreamBridge(webSocket);
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read: () => bridge.read(),
    write: (chunk, encoding, callback) => bridge.write(chunk as SendableData, encoding, callback),
    final: (callback) => bridge.end(callback),
    destroy: (error, callback) => bridge.destroy(error, callback),
  });
  bridge.connect(duplex);
  return duplex;
}

/** Forwards calls and events between a stream and its WebSocket. */
class StreamBridge {
  readonly #webSocket: WebSocket;
  #duplex!: Duplex;
  /** Whether the WebSocket has failed. It then closes itself. */
  #hasFailed = false;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
  }

  connect(duplex: Duplex): void {
    this.#duplex = duplex;
    this.#webSocket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    this.#webSocket.once("error", (error) => this.#fail(error));
    this.#webSocket.once("close", () => {
      if (!duplex.destroyed) duplex.push(null);
    });
    duplex.on("end", () => {
      if (!duplex.destroyed && duplex.writableFinished) duplex.destroy();
    });
    duplex.on("error", function onError(error) {
      duplex.off("error", onError);
      duplex.destroy();
      // If this was the only listener, the error must be uncaught.
      if (duplex.listenerCount("error") === 0) duplex.emit("error", error);
    });
  }

  read(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  write(chunk: SendableData, encoding: string, callback: Callback): void {
    if (this.#webSocket.readyState === ReadyState.Connecting) {
      this.#webSocket.once("open", () => this.write(chunk, encoding, callback));
    } else {
      this.#webSocket.send(chunk, callback as SendCallback);
    }
  }

  end(callback: Callback): void {
    const webSocket = this.#webSocket;
    if (webSocket.readyState === ReadyState.Connecting) {
      webSocket.once("open", () => this.end(callback));
      return;
    }
    const { _socket: socket } = webSocket;
    // The opening handshake has failed, and the error destroys the stream.
    if (socket === null) return;
    if (socket.writableFinished) {
      callback();
      if (this.#duplex.readableEnded) this.#duplex.destroy();
      return;
    }
    socket.once("finish", () => callback());
    webSocket.close();
  }

  destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const webSocket = this.#webSocket;
    const finish = (cause: Error | null): void => {
      callback(cause);
      process.nextTick(() => this.#duplex.emit("close"));
    };
    if (webSocket.readyState === ReadyState.Closed) {
      finish(error);
      return;
    }
    let cause = error;
    webSocket.once("error", (late) => {
      cause ??= late;
    });
    webSocket.once("close", () => finish(cause));
    if (!this.#hasFailed) webSocket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    const isString = !isBinary && this.#duplex.readableObjectMode;
    if (!this.#duplex.push(isString ? (data as Buffer).toString() : data)) this.#webSocket.pause();
  }

  #fail(error: Error): void {
    if (this.#duplex.destroyed) return;
    this.#hasFailed = true;
    this.#duplex.destroy(error);
  }
}
