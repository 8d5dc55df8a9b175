import { checkNames, checkPositive, invalidOption } from "../errors/check-options.ts";
import { TransportError } from "../errors/index.ts";
import { isRecord } from "../errors/record.ts";
import type { TimeoutListener, TimerWheel, WheelTimer } from "./timer-wheel.ts";

/**
 * When to ping a silent peer, and when to drop it. If the network fails without notice, the connection ends
 * with 1006 after `idleMs + timeoutMs`, plus or minus a second.
 *
 * Received bytes count as activity. While output waits to be sent, only progress of that output counts: a
 * peer that reads nothing is dropped even if it keeps sending, because its output would fill memory. Output
 * counts as sent once the kernel accepts it. The kernel frees its buffer in steps of about a third, which is
 * up to a megabyte on a fast network. If progress is not visible, as over TLS, output is written in pieces of
 * 64 KiB.
 *
 * While this side does not read, only the progress of its output counts. If no output waits, the pings
 * continue, but need no answer. The next ping detects that the peer has closed the connection. If the network
 * has failed, the kernel detects it when it stops retransmitting, which takes about 15 minutes on Linux.
 *
 * After this process or machine was stalled, by a debugger or by suspend, pending data is read before a peer
 * is dropped. A silent peer gets one more ping, and `timeoutMs` to answer it.
 */
export interface HeartbeatOptions {
  /** The time without activity, in milliseconds, after which a ping is sent. Default: 30,000. */
  readonly idleMs?: number;
  /**
   * The time without activity after a ping, in milliseconds, after which the peer is dropped. Default:
   * 20,000.
   */
  readonly timeoutMs?: number;
}

/** @throws UsageError `INVALID_OPTION` unless `heartbeat` is absent, false, or valid options */
export function checkHeartbeat(where: string, heartbeat: unknown): void {
  if (heartbeat === undefined || heartbeat === false) return;
  if (!isRecord<HeartbeatOptions>(heartbeat)) {
    const expected = "false, or an object such as { idleMs, timeoutMs }";
    throw invalidOption(where, "heartbeat", heartbeat, expected);
  }
  checkNames(where, heartbeat, ["idleMs", "timeoutMs"], { of: "heartbeat" });
  checkPositive(where, "heartbeat.idleMs", heartbeat.idleMs);
  checkPositive(where, "heartbeat.timeoutMs", heartbeat.timeoutMs);
}

/** The connection that a heartbeat watches. */
export interface HeartbeatConnection {
  /** Whether this side has stopped reading. */
  readonly isPaused: boolean;
  /** The number of written bytes that the kernel has not accepted yet; undefined if no output waits. */
  readonly unwrittenBytes: number | undefined;
  ping(payload: Uint8Array): void;
  /** Drops the peer. */
  terminate(error: TransportError): void;
}

/** Milliseconds between two checks while output waits. */
const SLOW_PEER_CHECK_MS = 1000;

/** If a check runs this late, this process or machine was stalled, not the peer. */
const STALL_MS = 1000;

/** Pings a silent peer, and drops it if it remains silent. */
export class Heartbeat implements TimeoutListener {
  readonly #connection: HeartbeatConnection;
  readonly #wheel: TimerWheel;
  readonly #idleMs: number;
  readonly #timeoutMs: number;
  #timer: WheelTimer | undefined;
  #lastActivityMs = 0;
  /** The time of the latest ping; undefined if there was activity after it. */
  #pingedMs: number | undefined;
  #pingCount = 0;
  /** Whether the peer has already got more time because this side was stalled. */
  #wasExtended = false;
  /**
   * The number of bytes of output that waited at the last check; undefined if none waited. While output
   * waits, checks run once a second.
   */
  #lastUnwrittenBytes: number | undefined;

  constructor(connection: HeartbeatConnection, wheel: TimerWheel, options: HeartbeatOptions) {
    this.#connection = connection;
    this.#wheel = wheel;
    ({ idleMs: this.#idleMs = 30_000, timeoutMs: this.#timeoutMs = 20_000 } = options);
  }

  start(): void {
    // The order matters: the coarse time is out of date while the wheel has no timeouts.
    this.#startTimer(this.#idleMs);
    this.recordActivity();
  }

  /** Stops permanently, because the connection is closing. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** Call this when the peer has shown that it is alive. */
  recordActivity(): void {
    this.#lastActivityMs = this.#wheel.coarseNowMs;
    this.#pingedMs = undefined;
    this.#wasExtended = false;
  }

  /** Call this when output has begun to wait. While it waits, its progress is checked every second. */
  watchOutput(): void {
    const wasSlow = this.#isSlow;
    this.#lastUnwrittenBytes = this.#connection.unwrittenBytes;
    if (!wasSlow) this.#startTimer(Math.min(SLOW_PEER_CHECK_MS, this.#idleMs));
  }

  onTimeout(): void {
    this.#checkProgress();
    const nowMs = this.#wheel.coarseNowMs;
    if (this.#pingedMs === undefined && nowMs - this.#lastActivityMs >= this.#idleMs) {
      this.#sendPing();
      this.#pingedMs = nowMs;
    }
    const leftMs =
      this.#pingedMs === undefined
        ? this.#lastActivityMs + this.#idleMs - nowMs
        : this.#pingedMs + this.#timeoutMs - nowMs;
    if (leftMs <= -STALL_MS && !this.#wasExtended) this.#extend(nowMs);
    else if (leftMs <= 0) this.#connection.terminate(this.#timeoutError());
    else this.#startTimer(this.#untilCheckMs(leftMs));
  }

  /**
   * Records activity if the peer has accepted output since the last check, or if it cannot be judged because
   * this side does not read.
   */
  #checkProgress(): void {
    const { isPaused, unwrittenBytes } = this.#connection;
    const lastUnwrittenBytes = this.#lastUnwrittenBytes ?? 0;
    this.#lastUnwrittenBytes = unwrittenBytes;
    if (unwrittenBytes !== undefined) {
      if (unwrittenBytes < lastUnwrittenBytes) this.recordActivity();
    } else if (isPaused) {
      // This side does not read, so it cannot tell whether the peer is alive. If the peer has closed the
      // connection, this ping fails.
      this.#sendPing();
      this.recordActivity();
    }
  }

  /** Pings once more after a stall, because the answer may have been lost. */
  #extend(nowMs: number): void {
    this.#wasExtended = true;
    this.#sendPing();
    this.#pingedMs = nowMs;
    this.#startTimer(this.#untilCheckMs(this.#timeoutMs));
  }

  get #isSlow(): boolean {
    return this.#lastUnwrittenBytes !== undefined;
  }

  #untilCheckMs(leftMs: number): number {
    return this.#isSlow ? Math.min(SLOW_PEER_CHECK_MS, leftMs) : leftMs;
  }

  /** The payload is the number of the ping, so that a pong shows which ping it answers. */
  #sendPing(): void {
    this.#connection.ping(Uint8Array.of(++this.#pingCount & 0xff));
  }

  #startTimer(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#wheel.start(delayMs, this);
  }

  #timeoutError(): TransportError {
    const what = this.#isSlow ? "the peer read too little output" : "the peer sent nothing";
    return new TransportError(
      "HEARTBEAT_TIMEOUT",
      `${what} within timeoutMs ${this.#timeoutMs} after a ping`,
    );
  }
}
