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
  type ProtocolEnvironment,
  type PreparedMessage,
  type SharedOutput,
} from "../protocol/index.ts";
import type { ByteTransport, ByteTransportHandler } from "./byte-transport.ts";
import type { FlushQueue } from "./flush-queue.ts";
import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "./connection.ts";
import { Heartbeat, type HeartbeatOptions, type HeartbeatSubject } from "./heartbeat.ts";
import { LatencyMeter } from "./latency-meter.ts";
import { MessageRate } from "./message-rate.ts";
import { OutputWriter } from "./output-writer.ts";
import type { TimeoutListener, TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** What all connections of a runtime share. */
export interface ConnectionEnvironment {
  readonly protocol: ProtocolEnvironment;
  readonly pool: BufferPool;
  readonly sharedOutput: SharedOutput;
  readonly wheel: TimerWheel;
  readonly flushQueue: FlushQueue;
  readonly deflateCodec: DeflateCodec;
  /** Calls back once the running turn, its promise jobs included, has ended. */
  defer(callback: () => void): void;
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
 * A connection whose framing is this project's own, over a transport of bytes. It adds to the
 * protocol what needs a clock or a kernel: one write a turn, backpressure, heartbeat and timeouts.
 */
export class ByteConnection
  implements Connection, ByteTransportHandler, EndpointEvents, HeartbeatSubject, TimeoutListener
{
  readonly protocol: string;
  readonly extensions: string;
  readonly #environment: ConnectionEnvironment;
  readonly #transport: ByteTransport;
  readonly #writer: OutputWriter;
  readonly #endpoint: Endpoint;
  readonly #isServer: boolean;
  readonly #closeTimeoutMs: number;
  /** Undefined for none. */
  readonly #heartbeat: Heartbeat | undefined;
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
  #isPaused = false;
  /** The peer's end came while paused, behind messages not yet delivered. */
  #isEndHeld = false;
  #hasPeerEnded = false;
  #hasEnded = false;

  #timer: WheelTimer | undefined;
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
      this.#heartbeat = new Heartbeat(this, environment.wheel, heartbeat);
    }
    const { maxMessagesPerSecond = Infinity } = options;
    if (maxMessagesPerSecond < Infinity) {
      this.#rate = new MessageRate(maxMessagesPerSecond, environment.wheel.nowMs);
    }
    const output = new OutputBuffer(environment.pool, environment.sharedOutput);
    this.#writer = new OutputWriter(output, environment.pool, transport);
    const { role, maxMessageBytes, unfinishedBudget, maxFrameBytes, deflate: agreement } = options;
    const deflate = agreement && { agreement, codec: environment.deflateCodec };
    this.#endpoint = new Endpoint(
      { role, maxMessageBytes, unfinishedBudget, maxFrameBytes, deflate },
      environment.protocol,
      output,
      this,
    );
  }

  get readyState(): ReadyState {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#writer.bufferedAmount(this.#endpoint.savedBytes);
  }

  get latencyMs(): number | undefined {
    return this.#latency?.latencyMs;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#heartbeat !== undefined) {
      // In this order: while there are no timeouts, the wheel's time stands still.
      this.#startTimer(this.#heartbeat.idleMs);
      this.#heartbeat.hear();
    }
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
    this.#heartbeat?.hear();
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
    if (this.#isReceiving || this.#isFlushQueued || this.#writer.isBlocked) return;
    this.#isFlushQueued = true;
    this.#environment.flushQueue.add(this);
  }

  #write(): void {
    if (this.#hasEnded) return;
    this.#writer.write(this.#endpoint.savedBytes);
    if (this.#writer.isBlocked) this.#watchOutput();
  }

  onBytes(chunk: Uint8Array): void {
    // A peer that takes nothing of what it is sent holds that in memory, however much it talks.
    if (!this.#writer.isBlocked) this.#heartbeat?.hear();
    // What comes during a pause is counted after it, together with what the pause has saved up.
    if (!this.#isPaused) this.#rate?.refill(this.#environment.wheel.nowMs);
    // A transport may take a moment, TLS always does; only who does not read for longer loses pongs.
    if (this.#writer.waitingBytes > MAX_BYTES_BEFORE_PONGS) this.#endpoint.holdsPongs = true;
    this.#isReceiving = true;
    this.#endpoint.receive(chunk);
    this.#isReceiving = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
  }

  onDrain(): void {
    this.#heartbeat?.hear();
    this.#writer.onDrain();
    if (this.#writer.isBlocked) {
      this.#watchOutput();
      return;
    }
    this.#endpoint.holdsPongs = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
    else if (!this.#writer.isBlocked) this.#handler!.onDrain?.();
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
    this.#writer.abandon();
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
    this.#handler!.onClosing(record.error);
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
    if (this.#hasEnded || !this.#writer.isEmpty) return;
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
    if (this.#readyState !== ReadyState.Open) {
      this.terminate(
        new TransportError(
          "CLOSE_TIMEOUT",
          `no closing handshake within closeTimeoutMs ${this.#closeTimeoutMs}`,
        ),
      );
      return;
    }
    const outcome = this.#heartbeat!.look();
    if (typeof outcome === "number") this.#startTimer(outcome);
    else this.terminate(outcome);
  }

  #watchOutput(): void {
    if (this.#readyState !== ReadyState.Open) return;
    const delayMs = this.#heartbeat?.watchOutput();
    if (delayMs !== undefined) this.#startTimer(delayMs);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get heldBackBytes(): number | undefined {
    return this.#writer.isBlocked ? this.#writer.heldBackBytes : undefined;
  }

  /** Pings with a payload of its own, which tells the answer from pongs that nobody asked for. */
  beat(): void {
    this.ping(Uint8Array.of(++this.#heartbeatCount & 0xff));
  }

  #closeInfo(): CloseInfo {
    const { code, reason, wasClean, error = this.#error } = this.#record!;
    if (wasClean || error === undefined) return { code, reason, wasClean };
    return { code, reason, wasClean, error };
  }
}
