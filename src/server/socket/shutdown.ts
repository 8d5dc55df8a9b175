import { ReadyState } from "../../connection/connection.ts";
import type { TimerWheel, WheelTimer } from "../../connection/timer-wheel.ts";
import type { DebugLog } from "../../errors/debug-log.ts";
import type { Socket } from "./socket-interface.ts";

/** How to close all sockets of a server. */
export interface ShutdownPlan {
  readonly code: number;
  readonly reason: string;
  /** The time for all connections to close. */
  readonly timeoutMs: number;
  /** The pace at which to close the sockets; undefined to close all at once. */
  readonly pace?: ShutdownPace;
}

/** Closes `batch` sockets every `intervalMs`. */
export interface ShutdownPace {
  readonly batch: number;
  readonly intervalMs: number;
}

/** The part of `timeoutMs` in which the server sends Close frames. In the rest, the peers answer. */
const CLOSING_PART = 3 / 4;

/** Closes the sockets of a server, at once or in batches. */
export class SocketShutdown {
  readonly #sockets: Iterable<Socket>;
  readonly #wheel: TimerWheel;
  readonly #log: DebugLog;
  #timer: WheelTimer | undefined;
  /** The time at which the current shutdown closes the last socket; Infinity if there is none. */
  #endMs = Infinity;

  constructor(sockets: Iterable<Socket>, wheel: TimerWheel, log: DebugLog) {
    this.#sockets = sockets;
    this.#wheel = wheel;
    this.#log = log;
  }

  /** Starts to close the open sockets. A further call has an effect only if its plan ends earlier. */
  start({ code, reason, timeoutMs, pace }: ShutdownPlan): void {
    const nowMs = this.#wheel.nowMs;
    const windowMs = pace === undefined ? 0 : timeoutMs * CLOSING_PART;
    if (nowMs + windowMs >= this.#endMs) return;
    this.#endMs = nowMs + windowMs;
    this.#timer?.cancel();
    const open = Array.from(this.#sockets).filter(isOpen);
    const close = (socket: Socket): void => socket.close(code, reason);
    if (pace === undefined) open.forEach(close);
    else this.#closeInBatches(open, close, pace, windowMs);
  }

  /** Forgets earlier calls of `start`, so that the next call closes all open sockets. */
  reset(): void {
    this.#timer?.cancel();
    this.#endMs = Infinity;
  }

  #closeInBatches(
    sockets: readonly Socket[],
    close: (socket: Socket) => void,
    { batch, intervalMs }: ShutdownPace,
    windowMs: number,
  ): void {
    const startMs = this.#wheel.nowMs;
    const batches = Math.floor(windowMs / intervalMs) + 1;
    const perBatch = Math.max(batch, Math.ceil(sockets.length / batches));
    let closed = 0;
    const closeBatch = (): void => {
      // Computed from the clock, so that a late timer closes all batches that are due.
      const index = Math.floor((this.#wheel.nowMs - startMs) / intervalMs) + 1;
      const due = Math.min(sockets.length, index * perBatch);
      if (closed < due) this.#logBatch(closed + 1, due, sockets.length);
      while (closed < due) close(sockets[closed++]);
      if (closed === sockets.length) return;
      this.#timer = this.#wheel.start(startMs + index * intervalMs - this.#wheel.nowMs, closeBatch);
    };
    closeBatch();
  }

  #logBatch(first: number, last: number, total: number): void {
    if (!this.#log.isEnabled) return;
    this.#log.write(() => `drain: closes sockets ${first} to ${last} of ${total}`);
  }
}

function isOpen(socket: Socket): boolean {
  return socket.readyState === ReadyState.Open;
}
