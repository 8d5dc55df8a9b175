import type { TimeoutListener, WheelTimer } from "../../../connection/timer-wheel.ts";
import { wheel } from "../../environment/timers.ts";
import { detachOwner, type HandleOwner, attachOwner } from "../tcp/handle-owner.ts";
import type { TcpHandle } from "../tcp/stream-wrap.ts";

/** Receives the first event of a pending connection. Only one of the methods is called, once. */
export interface PendingConnectionListener {
  /** @param bytes the first bytes of the connection */
  onFirstBytes(connection: PendingConnection, bytes: Buffer): void;
  /** Called when no bytes have arrived before the timeout. */
  onSilence(connection: PendingConnection): void;
  /** Called when the connection was closed before any bytes arrived. */
  onGone(connection: PendingConnection): void;
}

/** A TCP connection on which no bytes have arrived yet. */
export class PendingConnection implements HandleOwner, TimeoutListener {
  readonly handle: TcpHandle;
  readonly #listener: PendingConnectionListener;
  readonly #timer: WheelTimer;

  /** Starts to read, and starts the timeout. */
  constructor(handle: TcpHandle, listener: PendingConnectionListener, timeoutMs: number) {
    this.handle = handle;
    this.#listener = listener;
    this.#timer = wheel.start(timeoutMs, this);
    attachOwner(handle, this);
    handle.readStart();
  }

  /** Detaches from the handle, and cancels the timeout. */
  release(): void {
    this.#timer.cancel();
    detachOwner(this.handle);
  }

  onRead(byteCount: number, bytes: ArrayBuffer | undefined): undefined {
    this.release();
    if (bytes === undefined) this.#listener.onGone(this);
    // After the bytes that Node.js has read, its buffer may contain uninitialized memory.
    else this.#listener.onFirstBytes(this, Buffer.from(bytes, 0, byteCount));
  }

  onTimeout(): void {
    this.release();
    this.#listener.onSilence(this);
  }
}
