import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteTransport, ByteTransportHandler } from "../../connection/byte-transport.ts";
import { takesDirectWrites, writeDirectly } from "../internals/tcp/direct-writes.ts";
import { systemError, type WriteOwner } from "../internals/tcp/write.ts";
import { shareReads } from "../internals/tcp/shared-reads.ts";
import { unwrittenBytes } from "../internals/tcp/write-progress.ts";

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
export class SocketTransport implements ByteTransport, WriteOwner {
  readonly #socket: Duplex;
  /** The same, if it takes direct writes. */
  readonly #direct: Socket | undefined;
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isClosed = false;
  /** Whether the last write left bytes behind. */
  #isSlow = false;
  /** Whether they are still there. */
  #isBlocked = false;
  #whenWritten: ((error?: Error | null) => void) | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    if (takesDirectWrites(socket)) this.#direct = socket;
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
    const hasLeft = this.#direct && writeDirectly(this.#direct, bytes, this);
    if (hasLeft !== undefined) return hasLeft;
    // Over TCP most writes leave at once, and then a callback would cost a tick of its own for
    // nothing; over TLS none does. What the last one did the next will do.
    const hasCallback = this.#isSlow;
    if (hasCallback) socket.write(bytes, this.#onWritten);
    else socket.write(bytes);
    this.#isSlow = socket.writableLength > 0;
    this.#isBlocked = this.#isSlow;
    if (this.#isBlocked && !hasCallback) socket.write(NOTHING, this.#onWritten);
    return !this.#isBlocked;
  }

  get unwrittenBytes(): number | undefined {
    return unwrittenBytes(this.#socket);
  }

  // 'drain' comes only above the stream's own high-water mark; this comes behind every byte. It is
  // made when it is first needed, which for an idle connection is never.
  get #onWritten(): (error?: Error | null) => void {
    this.#whenWritten ??= (error) => {
      if (error || !this.#isBlocked || this.#socket.writableLength > 0) return;
      this.#isBlocked = false;
      this.#handler?.onDrain();
    };
    return this.#whenWritten;
  }

  /** A direct write has left, or has failed. */
  written(status: number): void {
    if (status === 0) this.#handler?.onDrain();
    else this.#socket.destroy(systemError(status, "write"));
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
