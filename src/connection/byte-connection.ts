import { ProtocolError, type TidewayError, TransportError } from "../errors/index.ts";
import {
  type BufferPool,
  type ByteBudget,
  CloseCode,
  type ClosingRecord,
  type DeflateAgreement,
  type DeflateCodec,
  Endpoint,
  type EndpointEvents,
  OutputBuffer,
  type Platform,
  type PreparedMessage,
} from "../protocol/index.ts";
import type { ByteTransport, ByteTransportHandler } from "./byte-transport.ts";
import type { FlushQueue } from "./flush-queue.ts";
import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "./connection.ts";
import { LatencyMeter } from "./latency-meter.ts";
import { MessageRate } from "./message-rate.ts";
import type { TimeoutListener, TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** What all connections of a runtime share. */
export interface ConnectionEnvironment {
  readonly platform: Platform;
  readonly pool: BufferPool;
  readonly wheel: TimerWheel;
  readonly flushQueue: FlushQueue;
  readonly deflateCodec: DeflateCodec;
  /** Calls back once the running turn, its promise jobs included, has ended. */
  defer(callback: () => void): void;
}

/**
 * When to look for a dead peer. One that is cut off is noticed after `idleMs + timeoutMs`, give or
 * take a few tenths of a second, and its connection ends with 1006.
 *
 * Every byte that comes is a sign of life, and so is output that gets away after it had to wait.
 * While output waits it is the only one: a peer that takes nothing is dropped, however much it talks,
 * for what it is sent would stay in memory. Output gets away in pieces of 64 KiB, so that with the
 * defaults a peer has to take 1.3 KB a second. While this side itself does not read, only its output
 * is judged. Where it has none, the pings go on: a peer that has ended is noticed by them at once, and
 * one that is cut off when the kernel stops to send them again, which on Linux takes it a quarter of
 * an hour.
 */
export interface HeartbeatOptions {
  /** A ping is sent after this long without a sign of life; default 30,000. */
  readonly idleMs?: number;
  /** The peer is taken for dead if nothing comes for this long after a ping; default 20,000. */
  readonly timeoutMs?: number;
}

export interface ByteConnectionOptions {
  /** Which end of the connection this is. */
  readonly role: "client" | "server";
  /** The agreed subprotocol, or the empty string. */
  readonly protocol: string;
  /** The agreed extensions, or the empty string. */
  readonly extensions: string;
  /** Bytes that came behind the opening handshake; they belong to the connection. */
  readonly head?: Uint8Array;
  /** The largest message taken, in bytes over all its fragments; default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** What unfinished messages may hold together with those of others; default: not counted. */
  readonly unfinishedBudget?: ByteBudget;
  /** The largest data frame sent, in bytes of payload; default: messages are not fragmented. */
  readonly maxFrameBytes?: number;
  /** How many messages and control frames the peer may send in a second; default: no limit. */
  readonly maxMessagesPerSecond?: number;
  /** How to compress (RFC 7692); default: nothing is compressed. */
  readonly deflate?: DeflateAgreement | undefined;
  /** How long the closing handshake may take before the transport is dropped; default 5000. */
  readonly closeTimeoutMs?: number;
  /** Default: on a server with its own defaults, on a client none. */
  readonly heartbeat?: HeartbeatOptions | false;
}

/** When more waits for the peer, a ping is answered only once it has left, and only the latest. */
const MAX_BYTES_BEFORE_PONGS = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * The most that is written at once: a large message leaves in pieces, so that it can be seen that
 * a slow peer takes it. One that takes a piece in idleMs + timeoutMs is alive.
 */
const MAX_WRITE_BYTES = 65_536;

/**
 * A connection whose framing is this project's own, over a transport of bytes. It adds to the
 * protocol what needs a clock or a kernel: one write a turn, backpressure, heartbeat and timeouts.
 */
export class ByteConnection
  implements Connection, ByteTransportHandler, EndpointEvents, TimeoutListener
{
  readonly protocol: string;
  readonly extensions: string;
  readonly #environment: ConnectionEnvironment;
  readonly #transport: ByteTransport;
  readonly #output: OutputBuffer;
  readonly #endpoint: Endpoint;
  readonly #isServer: boolean;
  readonly #closeTimeoutMs: number;
  /** 0 for no heartbeat. */
  readonly #idleMs: number = 0;
  readonly #pongTimeoutMs: number = 0;

  /** Undefined for any. */
  readonly #rate: MessageRate | undefined;

  #handler: ConnectionHandler | undefined;
  #head: Uint8Array;
  #readyState: ReadyState = ReadyState.Open;
  #record: ClosingRecord | undefined;
  #error: TidewayError | undefined;

  /** While bytes are being received, what they lead to is flushed once, at the end. */
  #isReceiving = false;
  #isFlushQueued = false;
  /** The output buffer that the transport still reads from: it takes no other before it drains. */
  #unsent: Uint8Array | undefined;
  /** How much of it has left. */
  #sentBytes = 0;
  /** How much of it has not. */
  #unsentBytes = 0;
  /** What compression had saved by the time of the last write, and by the last that has left. */
  #unsentSavedBytes = 0;
  #settledSavedBytes = 0;
  #isPaused = false;
  /** The peer's end came while paused, behind messages not yet delivered. */
  #isEndHeld = false;
  #hasPeerEnded = false;
  #hasEnded = false;

  #timer: WheelTimer | undefined;
  #lastHeardMs = 0;
  #awaitsPong = false;
  #heartbeatCount = 0;
  #latency: LatencyMeter | undefined;

  constructor(
    environment: ConnectionEnvironment,
    transport: ByteTransport,
    options: ByteConnectionOptions,
  ) {
    this.#environment = environment;
    this.#transport = transport;
    this.protocol = options.protocol;
    this.extensions = options.extensions;
    this.#isServer = options.role === "server";
    this.#head = options.head ?? NOTHING;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 5000;
    const { heartbeat = this.#isServer && {} } = options;
    if (heartbeat !== false) {
      ({ idleMs: this.#idleMs = 30_000, timeoutMs: this.#pongTimeoutMs = 20_000 } = heartbeat);
    }
    const { maxMessagesPerSecond = Infinity } = options;
    if (maxMessagesPerSecond < Infinity) {
      this.#rate = new MessageRate(maxMessagesPerSecond, environment.wheel.nowMs);
    }
    this.#output = new OutputBuffer(environment.pool);
    const { deflate: agreement, ...endpointOptions } = options;
    const deflate = agreement && { agreement, codec: environment.deflateCodec };
    this.#endpoint = new Endpoint(
      { ...endpointOptions, deflate },
      environment.platform,
      this.#output,
      this,
    );
  }

  get readyState(): ReadyState {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    const savedBytes = this.#endpoint.savedBytes - this.#settledSavedBytes;
    return this.#output.length + this.#unsentBytes + savedBytes;
  }

  get latencyMs(): number | undefined {
    return this.#latency?.latencyMs;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#hearFromPeer();
    if (this.#idleMs > 0) this.#startTimer(this.#idleMs);
    if (this.#head.length === 0) {
      this.#transport.start(this);
      return;
    }
    this.#environment.defer(() => {
      const head = this.#head;
      this.#head = NOTHING;
      this.onBytes(head);
      this.#transport.start(this);
      if (this.#isPaused) this.#transport.pause();
    });
  }

  sendText(text: string, mayCompress?: boolean): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendText(text, mayCompress);
    this.#queueFlush();
  }

  sendBinary(bytes: Uint8Array, mayCompress?: boolean): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendBinary(bytes, mayCompress);
    this.#queueFlush();
  }

  sendPrepared(message: PreparedMessage): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendPrepared(message);
    this.#queueFlush();
  }

  ping(payload: Uint8Array = NOTHING): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#latency ??= new LatencyMeter();
    this.#latency.start(payload, this.#environment.wheel.nowMs);
    this.#endpoint.ping(payload);
    this.#queueFlush();
  }

  close(code?: number, reason?: string): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.close(code, reason);
    this.#readyState = ReadyState.Closing;
    this.#startTimer(this.#closeTimeoutMs);
    this.#queueFlush();
    // The peer's Close frame must be read, whoever has stopped reading its messages.
    this.resume();
  }

  terminate(error?: TidewayError): void {
    if (this.#readyState === ReadyState.Closed) return;
    this.#readyState = ReadyState.Closing;
    this.#hasEnded = true;
    this.#error ??= error;
    this.#endpoint.receiveEnd();
    this.#transport.destroy();
  }

  pause(): void {
    if (this.#isPaused || this.#readyState !== ReadyState.Open) return;
    this.#isPaused = true;
    this.#rate?.refill(this.#environment.wheel.nowMs);
    this.#endpoint.pause();
    this.#transport.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#hearFromPeer();
    this.#rate?.save(this.#environment.wheel.nowMs);
    this.#transport.resume();
    this.#deliverHeld();
    if (this.#isEndHeld && !this.#isPaused) this.onEnd();
  }

  /** Writes what waits; for the flush queue. */
  flush(): void {
    this.#isFlushQueued = false;
    this.#write();
  }

  #queueFlush(): void {
    if (this.#isReceiving || this.#isFlushQueued || this.#unsent !== undefined) return;
    this.#isFlushQueued = true;
    this.#environment.flushQueue.add(this);
  }

  /** Writes what waits, unless the transport still holds earlier output. */
  #write(): void {
    const output = this.#output;
    if (output.length === 0 || this.#unsent !== undefined || this.#hasEnded) return;
    this.#unsentBytes = output.length;
    this.#sentBytes = 0;
    this.#unsent = output.detach();
    this.#unsentSavedBytes = this.#endpoint.savedBytes;
    this.#writeUnsent();
  }

  /** Writes one piece after the other until the transport holds one back. */
  #writeUnsent(): void {
    const slab = this.#unsent!;
    while (this.#unsentBytes > 0) {
      const end = this.#sentBytes + Math.min(this.#unsentBytes, MAX_WRITE_BYTES);
      if (!this.#transport.write(slab.subarray(this.#sentBytes, end))) return;
      this.#countPiece();
    }
    this.#unsent = undefined;
    this.#settledSavedBytes = this.#unsentSavedBytes;
    this.#environment.pool.give(slab);
  }

  /** The piece written last has left. */
  #countPiece(): void {
    const length = Math.min(this.#unsentBytes, MAX_WRITE_BYTES);
    this.#sentBytes += length;
    this.#unsentBytes -= length;
  }

  onBytes(chunk: Uint8Array): void {
    // A peer that takes nothing of what it is sent holds that in memory, however much it talks.
    if (this.#unsent === undefined) this.#hearFromPeer();
    // What comes during a pause is counted after it, together with what the pause has saved up.
    if (!this.#isPaused) this.#rate?.refill(this.#environment.wheel.nowMs);
    // A transport may take a moment, TLS always does; only who does not read for longer loses pongs.
    const waitingBytes = this.#output.length + this.#unsentBytes;
    if (waitingBytes > MAX_BYTES_BEFORE_PONGS) this.#endpoint.holdsPongs = true;
    this.#isReceiving = true;
    this.#endpoint.receive(chunk);
    this.#isReceiving = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
  }

  onDrain(): void {
    this.#hearFromPeer();
    if (this.#unsent !== undefined) {
      this.#countPiece();
      this.#writeUnsent();
      if (this.#unsent !== undefined) return;
    }
    this.#endpoint.holdsPongs = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
    else if (this.#unsent === undefined) this.#handler!.onDrain?.();
  }

  onEnd(): void {
    this.#isEndHeld = this.#isPaused;
    if (this.#isPaused) return;
    this.#hasPeerEnded = true;
    this.#endpoint.receiveEnd();
    this.#endTransport();
  }

  onClosed(error: Error | undefined): void {
    // What came whole before the end is delivered, also if nobody was reading just then, until the
    // owner says once more that it has enough: 64 KiB of compressed messages can be a lot.
    this.#isPaused = false;
    this.#hasEnded = true;
    this.#deliverHeld();
    this.#endpoint.receiveEnd();
    this.#timer?.cancel();
    // What never left goes on being counted, as the WHATWG interface has it.
    this.#unsentBytes += this.#output.length;
    this.#unsent = undefined;
    this.#output.detach();
    this.#readyState = ReadyState.Closed;
    if (error !== undefined) {
      this.#error ??= new TransportError("TRANSPORT_FAILED", error.message, { cause: error });
    }
    this.#handler!.onClose(this.#closeInfo());
  }

  onText(text: string): void {
    if (this.#isInRate()) this.#handler!.onText(text);
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#isInRate()) this.#handler!.onBinary(bytes);
  }

  onPing(payload: Uint8Array): void {
    if (this.#isInRate()) this.#handler!.onPing?.(payload);
  }

  onPong(payload: Uint8Array): void {
    if (!this.#isInRate()) return;
    this.#latency?.stop(payload, this.#environment.wheel.nowMs);
    this.#handler!.onPong?.(payload);
  }

  /** The protocol has ended: by Close frames both ways, by a violation, or by the bytes' end. */
  onFinish(record: ClosingRecord): void {
    this.#record = record;
    this.#readyState = ReadyState.Closing;
    this.#startTimer(this.#closeTimeoutMs);
    this.#handler!.onClosing();
  }

  /** Counts a message of the peer's; false once the connection has been failed for their number. */
  #isInRate(): boolean {
    if (this.#rate === undefined || this.#rate.take()) return true;
    this.#endpoint.fail(
      new ProtocolError(
        "RATE_EXCEEDED",
        `more than maxMessagesPerSecond ${this.#rate.perSecond} messages`,
        { closeCode: CloseCode.PolicyViolation },
      ),
    );
    return false;
  }

  /** Delivers the messages that a pause has held back in the protocol. */
  #deliverHeld(): void {
    const isOuter = !this.#isReceiving;
    this.#isReceiving = true;
    this.#endpoint.resume();
    if (!isOuter) return;
    this.#isReceiving = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
  }

  /** Ends this side of the transport once the last Close frame has left. */
  #endTransport(): void {
    if (this.#hasEnded || this.#output.length > 0 || this.#unsent !== undefined) return;
    // RFC 6455 7.1.1: after a closing handshake the server closes first and the client waits.
    if (!this.#isServer && this.#record!.wasClean && !this.#hasPeerEnded) return;
    this.#hasEnded = true;
    this.#transport.end();
  }

  #startTimer(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#environment.wheel.start(delayMs, this);
  }

  onTimeout(): void {
    if (this.#readyState === ReadyState.Open) this.#lookForLife();
    else {
      this.terminate(
        new TransportError(
          "CLOSE_TIMEOUT",
          `no closing handshake within closeTimeoutMs ${this.#closeTimeoutMs}`,
        ),
      );
    }
  }

  #hearFromPeer(): void {
    this.#lastHeardMs = this.#environment.wheel.coarseNowMs;
    this.#awaitsPong = false;
  }

  #lookForLife(): void {
    if (this.#isPaused && this.#unsent === undefined) {
      // A peer that this side does not read from cannot be heard, and takes all there is, so it is
      // not judged. But if it is gone, the kernel is told so when it is written to.
      this.#beat();
      this.#hearFromPeer();
    }
    const silentMs = this.#environment.wheel.coarseNowMs - this.#lastHeardMs;
    if (silentMs < this.#idleMs) {
      this.#startTimer(this.#idleMs - silentMs);
    } else if (this.#awaitsPong) {
      const what = this.#unsent ? "the peer has taken too little" : "no sign of life from the peer";
      this.terminate(
        new TransportError(
          "HEARTBEAT_TIMEOUT",
          `${what} for ${this.#pongTimeoutMs} ms after a ping`,
        ),
      );
    } else {
      this.#beat();
      this.#awaitsPong = true;
      this.#startTimer(this.#pongTimeoutMs);
    }
  }

  /** Pings with a payload of its own, which tells the answer from pongs that nobody asked for. */
  #beat(): void {
    this.ping(Uint8Array.of(++this.#heartbeatCount & 0xff));
  }

  #closeInfo(): CloseInfo {
    const { code, reason, wasClean, error = this.#error } = this.#record!;
    if (wasClean || error === undefined) return { code, reason, wasClean };
    return { code, reason, wasClean, error };
  }
}
