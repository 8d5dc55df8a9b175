import { getSystemErrorName } from "node:util";
import type { ByteTransport, ByteTransportHandler } from "../../../connection/byte-transport.ts";
import { bufferAfter, isFullRead, ReadPace, sharedBytes, USUAL_BUFFER } from "./shared-reads.ts";
import { unwrittenBytesOf } from "./write-progress.ts";
import { disown, type HandleOwner, own } from "./handle-owner.ts";
import {
  END_OF_STREAM,
  type HandleRequest,
  type StreamWrap,
  streamWrap,
  type TcpHandle,
} from "./stream-wrap.ts";
import { systemError, WAITS, write, type WriteOwner } from "./write.ts";

/** The peer has gone already; `net` takes that for a shutdown too. */
const NOT_CONNECTED = "ENOTCONN";

/**
 * A byte transport over a TCP connection that no `net.Socket` is made for: opening and
 * closing one takes half the time, and an idle one two fifths of the memory. It keeps to what a socket with
 * `allowHalfOpen` does.
 */
export class HandleTransport implements ByteTransport, HandleOwner, WriteOwner {
  readonly #handle: TcpHandle;
  readonly #onGone: () => void;
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isReading = true;
  #buffer = USUAL_BUFFER;
  /** Undefined before the first full read. */
  #pace: ReadPace | undefined;
  /** Writes that the kernel has not taken all of. */
  #unwritten = 0;
  #hasPeerEnded = false;
  #hasEnded = false;
  /** Our end has left. */
  #isShut = false;
  #isDestroyed = false;
  #isClosed = false;

  /** Takes over `handle`, which is being read from. `onGone` is called once it is closed. */
  constructor(handle: TcpHandle, onGone: () => void) {
    this.#handle = handle;
    this.#onGone = onGone;
    own(handle, this);
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

  /** Writes the head of the response, one character a byte. */
  writeHead(text: string): void {
    this.#settleWrite(write(this.#handle, text, this));
  }

  write(bytes: Uint8Array): boolean {
    if (this.#hasEnded || this.#isDestroyed) return true;
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
    const request = new wrap.ShutdownWrap();
    request.owner = this;
    request.oncomplete = onShut;
    const status = this.#handle.shutdown(request);
    if (status !== 0) this.shut(status);
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#handle.close(onClosed);
  }

  /** The handle is gone. */
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

  /** A write that had to wait is over. */
  written(status: number): void {
    this.#unwritten--;
    if (this.#isDestroyed) return;
    if (status < 0) this.#fail(status, "write");
    else if (this.#unwritten === 0) this.#handler?.onDrain();
  }

  /** Our end has left, or cannot. */
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

  /** Whether what was to be written has left, so that its bytes are free. */
  #settleWrite(status: number): boolean {
    if (status === WAITS) this.#unwritten++;
    else if (status !== 0) this.#fail(status, "write");
    return status !== WAITS;
  }

  #fail(status: number, syscall: string): void {
    this.#error ??= systemError(status, syscall);
    this.destroy();
  }
}

const wrap = streamWrap as StreamWrap;

function onShut(this: HandleRequest, status: number): void {
  const { owner } = this;
  // A request outlives what it is for by a collection or two, and so would its owner.
  this.owner = undefined;
  (owner as HandleTransport).shut(status);
}

function onClosed(this: TcpHandle): void {
  (disown(this) as HandleTransport).closed();
}
