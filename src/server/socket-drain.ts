import { ReadyState } from "../connection/connection.ts";
import type { TimerWheel, WheelTimer } from "../connection/timer-wheel.ts";
import type { Socket } from "./socket.ts";

/** How to close all sockets of a server. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
  /** When everything is to be over. */
  readonly timeoutMs: number;
  /** Absent to close all at once. */
  readonly pace?: FarewellPace;
}

/** So many sockets at a time, and how long from one time to the next. */
export interface FarewellPace {
  readonly batch: number;
  readonly intervalMs: number;
}

/** The part of the time in which all are told to go; the rest is for them to go in. */
const TELLING_PART = 3 / 4;

/** Closes the sockets of a server, at once or a batch at a time. */
export class SocketDrain {
  readonly #sockets: Iterable<Socket>;
  readonly #wheel: TimerWheel;
  #timer: WheelTimer | undefined;
  /** When the drain under way will have told all. */
  #endMs = Infinity;

  constructor(sockets: Iterable<Socket>, wheel: TimerWheel) {
    this.#sockets = sockets;
    this.#wheel = wheel;
  }

  /** May be called again, to be quicker about it; what would be slower changes nothing. */
  start({ code, reason, timeoutMs, pace }: Farewell): void {
    const nowMs = this.#wheel.nowMs;
    const windowMs = pace === undefined ? 0 : timeoutMs * TELLING_PART;
    if (nowMs + windowMs >= this.#endMs) return;
    this.#endMs = nowMs + windowMs;
    this.#timer?.cancel();
    const open = Array.from(this.#sockets).filter(isOpen);
    const close = (socket: Socket): void => socket.close(code, reason);
    if (pace === undefined) open.forEach(close);
    else this.#inTurn(open, close, pace, windowMs);
  }

  /** Discards earlier calls, so that the next call closes all open sockets. */
  reset(): void {
    this.#timer?.cancel();
    this.#endMs = Infinity;
  }

  #inTurn(
    sockets: readonly Socket[],
    close: (socket: Socket) => void,
    { batch, intervalMs }: FarewellPace,
    windowMs: number,
  ): void {
    const startMs = this.#wheel.nowMs;
    const turns = Math.floor(windowMs / intervalMs) + 1;
    const perTurn = Math.max(batch, Math.ceil(sockets.length / turns));
    let told = 0;
    const tell = (): void => {
      // By the clock, so that a timer that comes late makes up for it.
      const turn = Math.floor((this.#wheel.nowMs - startMs) / intervalMs) + 1;
      const due = Math.min(sockets.length, turn * perTurn);
      while (told < due) close(sockets[told++]);
      if (told === sockets.length) return;
      this.#timer = this.#wheel.start(startMs + turn * intervalMs - this.#wheel.nowMs, tell);
    };
    tell();
  }
}

function isOpen(socket: Socket): boolean {
  return socket.readyState === ReadyState.Open;
}
