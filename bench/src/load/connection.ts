import { type NetConnectOpts, type Socket, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { upgradeRequest } from "./frames.ts";
import { Http2Stream } from "./http2-stream.ts";
import type { MessageShape } from "./loads.ts";
import type { Subject } from "./protocol.ts";

/** The buffer into which all sockets read. The bytes are counted before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024);

const END_OF_HEAD = "\r\n\r\n";

export interface ConnectionListener {
  /** Called with `bytes[0, end)`, which are valid only during the call. */
  onBytes(bytes: Buffer, end: number): void;
  onFailed(error: Error): void;
}

export interface ConnectionOptions {
  readonly deflate?: MessageShape["deflate"];
  /** The path of the request. Default: `/`. */
  readonly path?: string;
  readonly subprotocol?: string;
  /** The local address of the connection, for loads that need more ports than one address has. */
  readonly localAddress?: string;
}

/** A connection to the server under test. It uses plain `node:net` to need little processor time. */
export class LoadConnection {
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  readonly #isTls: boolean;
  /** The stream of the WebSocket, over HTTP/2. */
  #stream: Http2Stream | undefined;
  #onOpen: ((error?: Error) => void) | undefined;
  #head = "";

  /** Connects. Sends an opening handshake if the server uses the WebSocket protocol. */
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
    const { localAddress } = options;
    const address: NetConnectOpts = {
      port: subject.port,
      host: "127.0.0.1",
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    };
    const socket = subject.isTls
      ? this.#connectTls(address, subject.isHttp2 === true)
      : this.#connect(address);
    socket.on(subject.isTls ? "secureConnect" : "connect", () => {
      if (subject.isHttp2) this.#stream = this.#openStream(socket, subject.port);
      else if (subject.isFramed) socket.write(upgradeRequest(subject.port, options));
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
    if (this.#stream === undefined) this.#socket.write(bytes, onWritten);
    else this.#stream.write(bytes);
  }

  /** Resets the connection, because thousands of connections in the state TIME-WAIT would use up the ports. */
  reset(): void {
    // Node.js can reset only TCP sockets.
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

  /** Without the shared buffer, because TLS sockets allocate their buffers. */
  #connectTls(address: NetConnectOpts, isHttp2: boolean): Socket {
    const socket = connectTls({
      ...address,
      rejectUnauthorized: false,
      ...(isHttp2 ? { ALPNProtocols: ["h2"] } : {}),
    });
    return socket.on("data", (bytes) => {
      this.#onBytes(bytes, bytes.length);
    });
  }

  #openStream(socket: Socket, port: number): Http2Stream {
    return new Http2Stream(port, {
      send: (bytes) => socket.write(bytes),
      onOpen: () => this.#opened(),
      onBytes: (bytes, start, end) => {
        this.#listener.onBytes(bytes.subarray(start, end), end - start);
      },
    });
  }

  #onBytes(bytes: Buffer, end: number): void {
    try {
      if (this.#stream !== undefined) this.#stream.receive(bytes, end);
      else if (this.#onOpen === undefined) this.#listener.onBytes(bytes, end);
      else this.#readHead(bytes, end);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #readHead(bytes: Buffer, end: number): void {
    this.#head += bytes.toString("latin1", 0, end);
    const headEnd = this.#head.indexOf(END_OF_HEAD);
    if (headEnd === -1) return;
    if (!this.#head.startsWith("HTTP/1.1 101 "))
      throw new Error(`the server refused the handshake: ${this.#head}`);
    const early = Buffer.from(this.#head.slice(headEnd + END_OF_HEAD.length), "latin1");
    this.#opened();
    if (early.length > 0) this.#listener.onBytes(early, early.length);
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
