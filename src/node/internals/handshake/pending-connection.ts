import type { TimeoutListener, WheelTimer } from "../../../connection/timer-wheel.ts";
import { disown, type HandleOwner, own } from "../tcp/handle-owner.ts";
import type { TcpHandle } from "../tcp/stream-wrap.ts";
import { wheel } from "../../environment/timers.ts";

/** What becomes of a newcomer; called once in all. */
export interface NewcomerHost {
  /** `bytes` are the first that it has said. */
  onFirstBytes(newcomer: Newcomer, bytes: Buffer): void;
  /** It has said nothing for as long as the host was willing to wait. */
  onSilence(newcomer: Newcomer): void;
  /** It has gone without a word. */
  onGone(newcomer: Newcomer): void;
}

/** A TCP connection that has said nothing yet. */
export class Newcomer implements HandleOwner, TimeoutListener {
  readonly handle: TcpHandle;
  readonly #host: NewcomerHost;
  readonly #timer: WheelTimer;

  /** Begins to read. */
  constructor(handle: TcpHandle, host: NewcomerHost, patienceMs: number) {
    this.handle = handle;
    this.#host = host;
    this.#timer = wheel.start(patienceMs, this);
    own(handle, this);
    handle.readStart();
  }

  /** Waits for nothing more. */
  release(): void {
    this.#timer.cancel();
    disown(this.handle);
  }

  onRead(byteCount: number, bytes: ArrayBuffer | undefined): undefined {
    this.release();
    if (bytes === undefined) this.#host.onGone(this);
    // Node may return a buffer with uninitialized memory after the bytes that it read.
    else this.#host.onFirstBytes(this, Buffer.from(bytes, 0, byteCount));
  }

  onTimeout(): void {
    this.release();
    this.#host.onSilence(this);
  }
}
