import type { Duplex } from "node:stream";
import type { ByteTransport, ByteTransportHandler } from "../connection/byte-transport.ts";
import { shareReads } from "./shared-reads.ts";

const NOTHING = new Uint8Array(0);

const kTransport = Symbol("transport");

/** A socket that a transport has taken over. */
interface TakenSocket extends Duplex {
  [kTransport]: SocketTransport;
}

/**
 * A byte transport over a Node socket: TCP, TLS, or any other Duplex. Its listeners are shared
 * functions, so that a connection costs no closures.
 */
export class SocketTransport implements ByteTransport {
  readonly #socket: Duplex;
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isClosed = false;
  constructor(socket: Duplex) {
    this.#socket = socket;
    (socket as TakenSocket)[kTransport] = this;
    // From here on an error has a listener, whether or not anybody has started the transport.
    socket.on("error", onError);
    socket.on("close", onClose);
    if (socket.destroyed) this.#isClosed = true;
  }

  start(handler: ByteTransportHandler): void {
    this.#handler = handler;
    if (this.#isClosed) {
      process.nextTick(() => handler.onClosed(this.#error));
      return;
    }
    this.#socket.on("data", onData);
    this.#socket.on("end", onEnd);
    shareReads(this.#socket);
    this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    // Most writes leave at once, and then a callback would cost a tick of its own for nothing.
    socket.write(bytes);
    if (socket.writableLength === 0) return true;
    // 'drain' comes only above the stream's own high-water mark; this comes behind every byte.
    socket.write(NOTHING, (error) => {
      if (!error) this.#handler?.onDrain();
    });
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    // A socket that flows without a listener loses what it reads.
    if (this.#handler !== undefined) this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  receive(chunk: Uint8Array): void {
    this.#handler!.onBytes(chunk);
  }

  receiveEnd(): void {
    this.#handler!.onEnd();
  }

  fail(error: Error): void {
    this.#error ??= error;
  }

  close(): void {
    this.#isClosed = true;
    this.#handler?.onClosed(this.#error);
  }
}

function onData(this: Duplex, chunk: Uint8Array): void {
  (this as TakenSocket)[kTransport].receive(chunk);
}

function onEnd(this: Duplex): void {
  (this as TakenSocket)[kTransport].receiveEnd();
}

function onError(this: Duplex, error: Error): void {
  (this as TakenSocket)[kTransport].fail(error);
}

function onClose(this: Duplex): void {
  (this as TakenSocket)[kTransport].close();
}
