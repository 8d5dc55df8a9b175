import { type NetConnectOpts, type Socket, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { upgradeRequest } from "./frames.ts";
import type { MessageShape } from "./loads.ts";
import type { Subject } from "./protocol.ts";

/** Where every socket reads into: what was read is counted before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024);

export interface ConnectionListener {
  /** `bytes[0, end)` have come, and are gone after the call. */
  onBytes(bytes: Buffer, end: number): void;
  onFailed(error: Error): void;
}

export interface ConnectionOptions {
  readonly deflate?: MessageShape["deflate"];
  /** The address to connect from, where one has too few ports. */
  readonly localAddress?: string;
}

/** A connection to the server under test, as bare as Node makes them. */
export class LoadConnection {
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  readonly #isTls: boolean;
  #onOpen: ((error?: Error) => void) | undefined;
  #head = "";

  /** Connects, and shakes hands if the server speaks WebSocket. */
  static open(
    subject: Subject,
    listener: ConnectionListener,
    options: ConnectionOptions = {},
  ): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const connection = new LoadConnection(subject, listener, options, (error) => {
        if (error === undefined) resolve(connection);
        else reject(error);
      });
    });
  }

  private constructor(
    subject: Subject,
    listener: ConnectionListener,
    options: ConnectionOptions,
    onOpen: (error?: Error) => void,
  ) {
    this.#listener = listener;
    this.#isTls = subject.isTls;
    this.#onOpen = onOpen;
    const { localAddress, deflate } = options;
    const address: NetConnectOpts = {
      port: subject.port,
      host: "127.0.0.1",
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    };
    const socket = subject.isTls ? this.#connectTls(address) : this.#connect(address);
    socket.on(subject.isTls ? "secureConnect" : "connect", () => {
      if (subject.isFramed) socket.write(upgradeRequest(subject.port, deflate));
      else this.#opened();
    });
    socket.on("error", (error) => {
      this.#fail(error);
    });
    socket.on("end", () => {
      this.#fail(new Error("the server ended a connection"));
    });
    this.#socket = socket;
  }

  write(bytes: Uint8Array, onWritten?: () => void): void {
    this.#socket.write(bytes, onWritten);
  }

  /** Ends without the closing states of TCP, which would fill up with thousands of connections. */
  reset(): void {
    // Node resets nothing but TCP sockets.
    if (this.#isTls) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #connect(address: NetConnectOpts): Socket {
    const callback = (byteCount: number): boolean => {
      this.#onBytes(readBuffer, byteCount);
      return true;
    };
    return connect({ ...address, onread: { buffer: readBuffer, callback } });
  }

  /** TLS hands out buffers of its own. */
  #connectTls(address: NetConnectOpts): Socket {
    const socket = connectTls({ ...address, rejectUnauthorized: false });
    return socket.on("data", (bytes) => {
      this.#onBytes(bytes, bytes.length);
    });
  }

  #onBytes(bytes: Buffer, end: number): void {
    try {
      if (this.#onOpen === undefined) this.#listener.onBytes(bytes, end);
      else this.#readHead(bytes, end);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** No server speaks before it is spoken to, so nothing follows the head of the response. */
  #readHead(bytes: Buffer, end: number): void {
    this.#head += bytes.toString("latin1", 0, end);
    if (!this.#head.endsWith("\r\n\r\n")) return;
    if (this.#head.startsWith("HTTP/1.1 101 ")) this.#opened();
    else throw new Error(`the server refused: ${this.#head}`);
  }

  #opened(): void {
    const onOpen = this.#onOpen;
    this.#onOpen = undefined;
    this.#head = "";
    onOpen?.();
  }

  #fail(error: Error): void {
    this.#listener.onFailed(error);
    this.#onOpen?.(error);
    this.#socket.destroy();
  }
}
