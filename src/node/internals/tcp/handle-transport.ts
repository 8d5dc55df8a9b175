import { getSystemErrorName } from "node:util";
import type { ByteTransport, ByteTransportHandler } from "../../../connection/byte-transport.ts";
import {
  bufferAfter,
  isFullRead,
  ReadPace,
  sharedBytes,
  USUAL_BUFFER,
} from "../../tcp/shared-reads.ts";
import { systemError, type WriteListener } from "../../tcp/tcp-accelerator.ts";
import { unwrittenBytesOf } from "./fast-tcp.ts";
import { detachOwner, type HandleOwner, attachOwner } from "./handle-owner.ts";
import { END_OF_STREAM, type HandleRequest, streamWrap, type TcpHandle } from "./stream-wrap.ts";
import { WAITS, write } from "./write.ts";

/**
 * The error of a shutdown after the peer has closed the connection. Like `node:net`, this class treats it as
 * success.
 */
const NOT_CONNECTED = "ENOTCONN";

/**
 * A byte transport over a TCP connection without a `net.Socket`. Opening and closing it takes half the time,
 * and an idle connection needs two fifths of the memory. It behaves like a socket with `allowHalfOpen`.
 */
export class HandleTransport implements ByteTransport, HandleOwner, WriteListener {
  readonly #handle: TcpHandle;
  readonly #onGone: () => void;
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isReading = true;
  #buffer = USUAL_BUFFER;
  /** Undefined before the first full read. */
  #pace: ReadPace | undefined;
  /** The number of writes that the kernel has not accepted completely. */
  #unwritten = 0;
  #hasPeerEnded = false;
  #hasEnded = false;
  /** Whether the shutdown of this side has completed. */
  #isShut = false;
  #isDestroyed = false;
  #isClosed = false;

  /** Takes over `handle`, which is already reading. Calls `onGone` when the handle is closed. */
  constructor(handle: TcpHandle, onGone: () => void) {
    this.#handle = handle;
    this.#onGone = onGone;
    attachOwner(handle, this);
    handle.setNoDelay(true);
  }

  start(handler: ByteTransportHandler): void {
    this.#handler = handler;
    if (this.#isClosed) {
      process.nextTick(() => handler.onClosed(this.#error));
      return;
    }
    if (this.#isDestroyed) return;
    this.#handle.useUserBuffer(this.#buffer);
    this.resume();
  }

  /** Writes the response head, with one byte per character. */
  writeHead(text: string): void {
    this.#settleWrite(write(this.#handle, text, this));
  }

  write(bytes: Uint8Array): boolean {
    if (this.#hasEnded || this.#isDestroyed) return false;
    return this.#settleWrite(write(this.#handle, bytes, this));
  }

  get unwrittenBytes(): number | undefined {
    return this.#isDestroyed ? undefined : unwrittenBytesOf(this.#handle);
  }

  pause(): void {
    if (!this.#isReading || this.#isDestroyed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#isReading || this.#isDestroyed || this.#handler === undefined) return;
    this.#isReading = true;
    this.#handle.readStart();
  }

  end(): void {
    if (this.#hasEnded || this.#isDestroyed) return;
    this.#hasEnded = true;
    const request = new (streamWrap().ShutdownWrap)();
    request.listener = this;
    request.oncomplete = onShut;
    const status = this.#handle.shutdown(request);
    if (status !== 0) this.shut(status);
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#handle.close(onClosed);
  }

  /** Called when the handle is closed. */
  closed(): void {
    this.#isClosed = true;
    this.#onGone();
    this.#handler?.onClosed(this.#error);
  }

  onRead(status: number): Uint8Array | undefined {
    if (status > 0) {
      this.#handler!.onBytes(sharedBytes(status));
      return this.#nextBuffer(status);
    }
    if (status === END_OF_STREAM) this.#onEnd();
    else if (status < 0) this.#fail(status, "read");
    return undefined;
  }

  #nextBuffer(byteLength: number): Uint8Array | undefined {
    if (isFullRead(byteLength)) this.#pace ??= new ReadPace();
    const next = bufferAfter(byteLength, !this.#isReading, this.#pace);
    if (next === this.#buffer) return undefined;
    this.#buffer = next;
    return next;
  }

  /** Called when a write that did not complete at once has ended. */
  written(status: number): void {
    this.#unwritten--;
    if (this.#isDestroyed) return;
    if (status < 0) this.#fail(status, "write");
    else if (this.#unwritten === 0) this.#handler?.onDrain();
  }

  /** Called when the shutdown of this side has completed or failed. */
  shut(status: number): void {
    if (this.#isDestroyed) return;
    if (status < 0 && getSystemErrorName(status) !== NOT_CONNECTED) {
      this.#fail(status, "shutdown");
      return;
    }
    this.#isShut = true;
    if (this.#hasPeerEnded) this.destroy();
  }

  #onEnd(): void {
    this.#hasPeerEnded = true;
    this.#handler!.onEnd();
    if (this.#isShut) this.destroy();
  }

  /** Handles the status of a write. Returns whether the kernel has accepted all bytes. */
  #settleWrite(status: number): boolean {
    if (status === WAITS) this.#unwritten++;
    else if (status !== 0) this.#fail(status, "write");
    return status === 0;
  }

  #fail(status: number, syscall: string): void {
    this.#error ??= systemError(status, syscall);
    this.destroy();
  }
}

function onShut(this: HandleRequest, status: number): void {
  const { listener } = this;
  // A request object survives one or two garbage collections after its use, and would keep its listener
  // alive.
  this.listener = undefined;
  (listener as HandleTransport).shut(status);
}

function onClosed(this: TcpHandle): void {
  (detachOwner(this) as HandleTransport).closed();
}
