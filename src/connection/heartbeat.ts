import { TransportError } from "../errors/index.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/**
 * When to look for a dead peer. One that is cut off is noticed after `idleMs + timeoutMs`, give or
 * take a second, and its connection ends with 1006.
 *
 * Every byte that comes is a sign of life, and so is output that gets away after it had to wait.
 * While output waits it is the only one: a peer that takes nothing is dropped, however much it talks,
 * for what it is sent would stay in memory. Output has got away when the kernel has taken it, which
 * makes room in steps: of a third of what it buffers, up to a megabyte where the network is fast.
 * Where the steps cannot be seen, as over TLS, output goes in pieces of 64 KiB. While this side itself
 * does not read, only its output is judged. Where it has none, the pings go on: a peer that has ended
 * is noticed by them at once, and one that is cut off when the kernel stops to send them again, which
 * on Linux takes it a quarter of an hour.
 *
 * After a stall of this side (a debugger, a suspended machine) it reads pending data before it drops a
 * peer. It pings a silent peer once more, which then has `timeoutMs` to answer.
 */
export interface HeartbeatOptions {
  /** A ping is sent after this long without a sign of life; default 30,000. */
  readonly idleMs?: number;
  /** The peer is taken for dead if nothing comes for this long after a ping; default 20,000. */
  readonly timeoutMs?: number;
}

/** What a heartbeat has to see of its connection. */
export interface HeartbeatSubject {
  /** Whether this side does not read. */
  readonly isPaused: boolean;
  /** How much of what has been written the peer's side has not taken; undefined where nothing waits. */
  readonly heldBackBytes: number | undefined;
  /** Sends a ping. */
  beat(): void;
}

/** How often a peer is looked at that is slow to take its output. */
const SLOW_PEER_LOOK_MS = 1000;

/** A check that runs this late shows that this process or machine was stalled, not the peer. */
const STALL_MS = 1000;

/** Judges from what it is told and sees whether the peer is alive; its owner has the timer. */
export class Heartbeat {
  readonly #subject: HeartbeatSubject;
  readonly #wheel: TimerWheel;
  /** When to `look` for the first time. */
  readonly idleMs: number;
  readonly #timeoutMs: number;
  #lastHeardMs = 0;
  /** When the ping was sent that has not been followed by a sign of life. */
  #pingedMs: number | undefined;
  /** Whether the peer has got more time after a stall of this side. */
  #wasExtended = false;
  #isSlow = false;
  #lastHeldBackBytes = 0;

  constructor(subject: HeartbeatSubject, wheel: TimerWheel, options: HeartbeatOptions) {
    this.#subject = subject;
    this.#wheel = wheel;
    ({ idleMs: this.idleMs = 30_000, timeoutMs: this.#timeoutMs = 20_000 } = options);
  }

  /** There is a sign of life. */
  hear(): void {
    this.#lastHeardMs = this.#wheel.coarseNowMs;
    this.#pingedMs = undefined;
    this.#wasExtended = false;
  }

  /**
   * Output waits: that the peer takes it shows only to who looks. Returns after how many milliseconds
   * to call `look`; undefined where that is going to happen soon enough.
   */
  watchOutput(): number | undefined {
    this.#lastHeldBackBytes = this.#subject.heldBackBytes!;
    if (this.#isSlow) return undefined;
    this.#isSlow = true;
    return Math.min(SLOW_PEER_LOOK_MS, this.idleMs);
  }

  /** Returns after how many milliseconds to look again, or why the peer is taken for dead. */
  look(): number | TransportError {
    const { isPaused, heldBackBytes } = this.#subject;
    this.#isSlow = heldBackBytes !== undefined;
    if (heldBackBytes !== undefined) {
      if (heldBackBytes < this.#lastHeldBackBytes) this.hear();
      this.#lastHeldBackBytes = heldBackBytes;
    } else if (isPaused) {
      // A peer that this side does not read from cannot be heard, and takes all there is, so it is
      // not judged. But if it is gone, the kernel is told so when it is written to.
      this.#subject.beat();
      this.hear();
    }
    const nowMs = this.#wheel.coarseNowMs;
    if (this.#pingedMs === undefined && nowMs - this.#lastHeardMs >= this.idleMs) {
      this.#subject.beat();
      this.#pingedMs = nowMs;
    }
    const leftMs =
      this.#pingedMs === undefined
        ? this.#lastHeardMs + this.idleMs - nowMs
        : this.#pingedMs + this.#timeoutMs - nowMs;
    if (leftMs <= -STALL_MS && !this.#wasExtended) return this.#extend(nowMs);
    if (leftMs <= 0) return this.#death();
    return this.#isSlow ? Math.min(SLOW_PEER_LOOK_MS, leftMs) : leftMs;
  }

  /** Pings once more after a stall, because the answer may have been lost. */
  #extend(nowMs: number): number {
    this.#wasExtended = true;
    this.#subject.beat();
    this.#pingedMs = nowMs;
    return this.#isSlow ? Math.min(SLOW_PEER_LOOK_MS, this.#timeoutMs) : this.#timeoutMs;
  }

  #death(): TransportError {
    const what = this.#isSlow ? "the peer has taken too little" : "no sign of life from the peer";
    return new TransportError(
      "HEARTBEAT_TIMEOUT",
      `${what} for ${this.#timeoutMs} ms after a ping`,
    );
  }
}
