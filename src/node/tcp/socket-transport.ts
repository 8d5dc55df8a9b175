import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ByteTransport, ByteTransportHandler } from "../../connection/byte-transport.ts";
import { paceCollection } from "../environment/collection-pace.ts";
import { systemError, type TcpAccelerator, type WriteListener } from "./tcp-accelerator.ts";

const NOTHING = new Uint8Array(0);

const kTransport = Symbol("transport");

/** A socket with its transport. */
interface TakenSocket extends Duplex {
  [kTransport]: SocketTransport;
}

/**
 * A byte transport over a Node.js socket: TCP, TLS, or any other Duplex. All transports share the listener
 * functions, so that a connection needs no closures.
 */
export class SocketTransport implements ByteTransport, WriteListener {
  readonly #socket: Duplex;
  readonly #tcp: TcpAccelerator;
  /** The same socket, if the accelerator can write to it directly. */
  readonly #direct: Socket | undefined;
  readonly #isEncrypted: boolean;
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isClosed = false;
  /** Whether each read has its own buffer. */
  #allocatesReads = true;
  /** Whether the last write did not complete at once. */
  #isSlow = false;
  /** Whether that write has not completed yet. */
  #isBlocked = false;
  #whenWritten: ((error?: Error | null) => void) | undefined;

  constructor(socket: Duplex, tcp: TcpAccelerator) {
    this.#socket = socket;
    this.#tcp = tcp;
    if (tcp.canWrite(socket)) this.#direct = socket;
    this.#isEncrypted = (socket as Partial<TLSSocket>).encrypted === true;
    (socket as TakenSocket)[kTransport] = this;
    // An error before `start` must have a listener too.
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
    this.#allocatesReads = !this.#tcp.shareReads(this.#socket);
    this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    const hasLeft = this.#direct && this.#tcp.write(this.#direct, bytes, this);
    if (hasLeft !== undefined) return hasLeft;
    // A callback costs a tick. Over TCP, most writes complete at once and need no callback. The next write is
    // expected to behave like the last write. Over TLS, no write completes at once. There, the empty write
    // below would also fail in Deno, with EPERM.
    const hasCallback = this.#isSlow || this.#isEncrypted;
    if (hasCallback) socket.write(bytes, this.#onWritten);
    else socket.write(bytes);
    this.#isSlow = socket.writableLength > 0;
    this.#isBlocked = this.#isSlow;
    if (this.#isBlocked && !hasCallback) socket.write(NOTHING, this.#onWritten);
    // A write that fails at once leaves nothing in the stream, which is then no longer writable.
    return !this.#isBlocked && socket.writable;
  }

  get unwrittenBytes(): number | undefined {
    return this.#tcp.unwrittenBytes(this.#socket);
  }

  // The stream emits 'drain' only above its high-water mark, but calls this after every write. The function
  // is created at its first use, so that an idle connection does not have one.
  get #onWritten(): (error?: Error | null) => void {
    this.#whenWritten ??= (error) => {
      if (error || !this.#isBlocked || this.#socket.writableLength > 0) return;
      this.#isBlocked = false;
      this.#handler?.onDrain();
    };
    return this.#whenWritten;
  }

  /** Called when a direct write has completed or failed. */
  written(status: number): void {
    if (status === 0) this.#handler?.onDrain();
    else this.#socket.destroy(systemError(status, "write"));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    // A socket that flows without a 'data' listener loses the bytes that it reads.
    if (this.#handler !== undefined) this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  receive(chunk: Uint8Array): void {
    if (this.#allocatesReads) paceCollection(chunk.length);
    this.#handler!.onBytes(chunk);
  }

  receiveEnd(): void {
    this.#handler!.onEnd();
  }

  fail(error: Error): void {
    this.#error ??= error;
  }

  close(): void {
    // A socket that was destroyed before its transport was created emits 'close' later; `start` reports it.
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#socket.readableLength > 0) this.#deliverUnread();
    this.#handler?.onClosed(this.#error);
  }

  /** Delivers the bytes that the stream has read during a pause. An error may close it before the pause ends. */
  #deliverUnread(): void {
    // `read` emits 'data' too, unless the stream has closed or failed.
    this.#socket.off("data", onData);
    const rest = this.#socket.read() as Uint8Array | null;
    if (rest !== null) this.#handler?.onBytes(rest);
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
