import { type TidewayError, TransportError } from "../errors/index.ts";
import {
  type ClosingRecord,
  type ClosingRules,
  Endpoint,
  type EndpointEvents,
} from "../protocol/endpoint.ts";
import { OutputBuffer } from "../protocol/output-buffer.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";
import type { ByteConnectionOptions, ConnectionEnvironment } from "./byte-connection-options.ts";
import type { ByteTransport, ByteTransportHandler } from "./byte-transport.ts";
import {
  type CloseInfo,
  type ConnectionHandler,
  type FrameConnection,
  ReadyState,
} from "./connection.ts";
import type { Receiver } from "./flush-queue.ts";
import { Heartbeat, type HeartbeatConnection } from "./heartbeat.ts";
import { LatencyMeter } from "./latency-meter.ts";
import { MessageRate, rateExceeded } from "./message-rate.ts";
import { OutputWriter } from "./output-writer.ts";
import type { TimeoutListener, WheelTimer } from "./timer-wheel.ts";

/**
 * While more than this many bytes of output wait, only the latest ping is answered, after the output has been
 * sent.
 */
const MAX_BYTES_BEFORE_PONGS = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * - `flowing`: messages are delivered as they arrive.
 * - `paused`: the protocol delivers no messages, and the transport is not read.
 * - `end-deferred`: like `paused`, and the peer has ended its side. The end is handled after the messages.
 *
 * `pause` and `resume` switch between `flowing` and `paused`. `end-deferred` follows `paused`.
 */
type ReadingState = "flowing" | "paused" | "end-deferred";

/**
 * - `open`: both sides may write.
 * - `peer-ended`: the peer has ended its side.
 * - `ended`: this side has been ended, or the transport destroyed.
 *
 * A state only changes to a state that is listed after it.
 */
type TransportState = "open" | "peer-ended" | "ended";

/**
 * A connection that runs the protocol over a byte transport. It adds everything that needs a clock or I/O:
 * one write for all messages of a turn of the event loop, backpressure, the heartbeat and timeouts.
 */
export class ByteConnection
  implements
    FrameConnection,
    ByteTransportHandler,
    EndpointEvents,
    HeartbeatConnection,
    TimeoutListener,
    Receiver
{
  readonly protocol: string;
  readonly extensions: string;
  readonly #environment: ConnectionEnvironment;
  readonly #transport: ByteTransport;
  readonly #writer: OutputWriter;
  readonly #endpoint: Endpoint;
  readonly #closeTimeoutMs: number;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #closing: ClosingRules | undefined;
  /** Undefined if the peer may send any number of messages. */
  readonly #rate: MessageRate | undefined;

  #handler: ConnectionHandler | undefined;
  /** Bytes that arrived with the opening handshake, until they are delivered. */
  #head: Uint8Array;
  #readyState: ReadyState = ReadyState.Open;
  #readingState: ReadingState = "flowing";
  #transportState: TransportState = "open";
  /** How the protocol ended; undefined until it has ended. */
  #record: ClosingRecord | undefined;
  /** The first error of the transport or of this side. */
  #error: TidewayError | undefined;

  /**
   * Whether bytes are being received. All output that they cause is written once, after they have been
   * processed.
   */
  #isReceiving = false;
  #isFlushQueued = false;
  #closeTimer: WheelTimer | undefined;
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
    // An empty view would keep the buffer that it is a view of, which holds a whole request.
    this.#head = options.head?.length ? options.head : NOTHING;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 5000;
    const { heartbeat = options.role === "server" && {} } = options;
    if (heartbeat !== false) {
      this.#heartbeat = new Heartbeat(this, environment.wheel, heartbeat);
    }
    const { maxMessagesPerSecond = Infinity } = options;
    if (maxMessagesPerSecond < Infinity) {
      this.#rate = new MessageRate(maxMessagesPerSecond, environment.wheel.nowMs);
    }
    const output = new OutputBuffer(environment.pool, environment.sharedOutput);
    this.#writer = new OutputWriter(output, transport);
    const { role, maxMessageBytes, unfinishedBudget, maxFrameBytes, deflate: agreement } = options;
    const deflate = agreement && { agreement, codec: environment.deflateCodec };
    const { decodesText, validatesUtf8, maxFragments, sharesBuffers } = options;
    const { answersPings, maskingKeys, closing } = options;
    this.#closing = closing;
    this.#endpoint = new Endpoint(
      {
        role,
        maxMessageBytes,
        unfinishedBudget,
        maxFrameBytes,
        deflate,
        decodesText,
        validatesUtf8,
        maxFragments,
        sharesBuffers,
        answersPings,
        maskingKeys,
        closing,
      },
      environment.protocol,
      output,
      this,
    );
  }

  get readyState(): ReadyState {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#writer.bufferedAmount;
  }

  get latencyMs(): number | undefined {
    return this.#latency?.latencyMs;
  }

  get maxMessageBytes(): number {
    return this.#endpoint.maxMessageBytes;
  }

  set maxMessageBytes(value: number) {
    this.#endpoint.maxMessageBytes = value;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#heartbeat?.start();
    if (this.#head.length === 0) {
      this.#transport.start(this);
      return;
    }
    this.#environment.defer(() => {
      const head = this.#head;
      this.#head = NOTHING;
      this.onBytes(head);
      this.#transport.start(this);
      if (this.isPaused) this.#transport.pause();
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

  pong(payload: Uint8Array): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.pong(payload);
    this.#queueFlush();
  }

  sendTextBytes(bytes: Uint8Array, mayCompress?: boolean): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendTextBytes(bytes, mayCompress);
    this.#queueFlush();
  }

  sendFragment(
    bytes: Uint8Array,
    type: "text" | "binary",
    isFinal: boolean,
    mayCompress?: boolean,
  ): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendFragment(bytes, type, isFinal, mayCompress);
    this.#queueFlush();
  }

  sendEncoded(frames: Uint8Array): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.sendEncoded(frames);
    this.#queueFlush();
  }

  set masksFrames(value: boolean) {
    this.#endpoint.masksFrames = value;
  }

  set keepsFragments(value: boolean) {
    this.#endpoint.keepsFragments = value;
  }

  whenWritten(callback: (error?: TidewayError) => void): void {
    this.#writer.whenWritten(callback);
  }

  close(code?: number, reason?: string): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.#endpoint.close(code, reason);
    this.#readyState = ReadyState.Closing;
    this.#startCloseTimer();
    this.#queueFlush();
    // The peer's Close frame must be read even if the owner has paused the connection.
    if (!this.#closing?.receivesMessages) this.resume();
  }

  terminate(error?: TidewayError): void {
    if (this.#readyState === ReadyState.Closed) return;
    this.#readyState = ReadyState.Closing;
    this.#transportState = "ended";
    this.#error ??= error;
    this.#endpoint.receiveEnd();
    this.#transport.destroy();
  }

  pause(): void {
    if (this.#readingState !== "flowing" || !this.#mayPause()) return;
    this.#readingState = "paused";
    this.#rate?.refill(this.#environment.wheel.nowMs);
    this.#endpoint.pause();
    this.#transport.pause();
  }

  resume(): void {
    const before = this.#readingState;
    if (before === "flowing") return;
    this.#readingState = "flowing";
    this.#heartbeat?.recordActivity();
    this.#rate?.save(this.#environment.wheel.nowMs);
    this.#transport.resume();
    this.#deliverBuffered();
    if (before === "end-deferred") this.onEnd();
  }

  #mayPause(): boolean {
    if (this.#readyState === ReadyState.Open) return true;
    const receives = this.#closing?.receivesMessages === true && this.#transportState !== "ended";
    return receives && this.#record === undefined;
  }

  get isPaused(): boolean {
    return this.#readingState !== "flowing";
  }

  get unwrittenBytes(): number | undefined {
    return this.#writer.isBlocked ? this.#writer.unwrittenBytes : undefined;
  }

  /** The flush queue calls this at the end of a turn of the event loop. */
  flush(): void {
    this.#isFlushQueued = false;
    this.#write();
  }

  /** The flush queue calls this when the process exits while this connection calls its handler. */
  stopReceiving(): void {
    this.#isReceiving = false;
    this.#write();
  }

  #queueFlush(): void {
    if (this.#isReceiving || this.#isFlushQueued || this.#writer.isBlocked) return;
    this.#isFlushQueued = true;
    this.#environment.flushQueue.add(this);
  }

  #write(): void {
    if (this.#transportState === "ended") return;
    this.#writer.write();
    if (this.#writer.isBlocked) this.#watchOutput();
  }

  onBytes(chunk: Uint8Array): void {
    // While output waits, input does not count as activity: a peer that reads nothing would let output fill
    // memory.
    if (!this.#writer.isBlocked) this.#heartbeat?.recordActivity();
    // Messages that are received during a pause count when the pause ends, against the tokens that were added
    // during it.
    if (this.#readingState === "flowing") this.#rate?.refill(this.#environment.wheel.nowMs);
    // TLS writes asynchronously, so a little waiting output does not mean that the peer is slow.
    if (this.#writer.waitingBytes > MAX_BYTES_BEFORE_PONGS) this.#endpoint.defersPongs = true;
    const { flushQueue } = this.#environment;
    this.#isReceiving = true;
    flushQueue.receiving = this;
    this.#endpoint.receive(chunk);
    flushQueue.receiving = undefined;
    this.#isReceiving = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
  }

  onDrain(): void {
    this.#heartbeat?.recordActivity();
    this.#writer.onDrain();
    if (this.#writer.isBlocked) this.#watchOutput();
    else {
      this.#endpoint.defersPongs = false;
      this.#write();
      if (this.#record !== undefined) return this.#endTransport();
    }
    this.#handler!.onDrain?.();
  }

  onEnd(): void {
    if (this.#readingState !== "flowing") {
      this.#readingState = "end-deferred";
      return;
    }
    if (this.#transportState === "open") this.#transportState = "peer-ended";
    this.#endpoint.receiveEnd();
    this.#endTransport();
  }

  onClosed(error: Error | undefined): void {
    // Delivers complete messages that waited, even if the owner has paused the connection. The owner may
    // pause it again, because 64 KiB of compressed messages can be much data. With `receivesMessages`, it gets
    // all of them, because a pause has no effect in the state CLOSING without a transport.
    this.#readingState = "flowing";
    this.#transportState = "ended";
    if (this.#closing?.receivesMessages) this.#readyState = ReadyState.Closing;
    this.#deliverBuffered();
    this.#endpoint.receiveEnd();
    this.#closeTimer?.cancel();
    if (error !== undefined) {
      this.#error ??= new TransportError("TRANSPORT_FAILED", error.message, { cause: error });
    }
    this.#writer.abandon(this.#error);
    this.#readyState = ReadyState.Closed;
    this.#handler!.onClose(this.#closeInfo());
  }

  onText(text: string): void {
    if (this.#isInRate()) this.#handler!.onText(text);
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#isInRate()) this.#handler!.onBinary(bytes);
  }

  onTextBytes(bytes: Uint8Array): void {
    if (this.#isInRate()) this.#handler!.onTextBytes!(bytes);
  }

  onFragments(fragments: Uint8Array[]): void {
    if (this.#isInRate()) this.#handler!.onFragments!(fragments);
  }

  answersPing(payload: Uint8Array): boolean {
    return this.#handler!.answersPing?.(payload) ?? true;
  }

  onPing(payload: Uint8Array): void {
    if (this.#isInRate()) this.#handler!.onPing?.(payload);
  }

  onPong(payload: Uint8Array): void {
    if (!this.#isInRate()) return;
    this.#latency?.stop(payload, this.#environment.wheel.nowMs);
    this.#handler!.onPong?.(payload);
  }

  /**
   * Called when the protocol has ended: both sides sent Close frames, the peer violated a rule, or the bytes
   * ended.
   */
  onFinish(record: ClosingRecord): void {
    this.#record = record;
    this.#readyState = ReadyState.Closing;
    this.#startCloseTimer();
    this.#handler!.onClosing(record.error);
  }

  /** Counts a message from the peer. If there are too many, fails the connection and returns false. */
  #isInRate(): boolean {
    if (this.#rate === undefined || this.#rate.take()) return true;
    this.#endpoint.fail(rateExceeded(this.#rate));
    return false;
  }

  /** Delivers the messages that the protocol buffered during a pause. */
  #deliverBuffered(): void {
    if (this.#isReceiving) {
      this.#endpoint.resume();
      return;
    }
    const { flushQueue } = this.#environment;
    // A handler of another connection may have called `resume`.
    const outer = flushQueue.receiving;
    this.#isReceiving = true;
    flushQueue.receiving = this;
    this.#endpoint.resume();
    flushQueue.receiving = outer;
    this.#isReceiving = false;
    this.#write();
    if (this.#record !== undefined) this.#endTransport();
  }

  /** Ends this side of the transport once the last Close frame has been written. */
  #endTransport(): void {
    if (this.#transportState === "ended" || !this.#writer.isEmpty) return;
    // RFC 6455 7.1.1: after a closing handshake, the server closes the transport first, and the client waits.
    const endsFirst = this.#endpoint.isServer || this.#closing?.clientEndsTransport === true;
    if (!endsFirst && this.#record!.wasClean && this.#transportState === "open") return;
    this.#transportState = "ended";
    this.#transport.end();
  }

  #watchOutput(): void {
    if (this.#readyState === ReadyState.Open) this.#heartbeat?.watchOutput();
  }

  /** Limits the closing handshake, and then the time until the transport is closed. */
  #startCloseTimer(): void {
    this.#heartbeat?.stop();
    this.#closeTimer?.cancel();
    this.#closeTimer = this.#environment.wheel.start(this.#closeTimeoutMs, this);
  }

  onTimeout(): void {
    this.terminate(
      new TransportError(
        "CLOSE_TIMEOUT",
        `the closing handshake did not end within closeTimeoutMs ${this.#closeTimeoutMs}`,
      ),
    );
  }

  #closeInfo(): CloseInfo {
    const { code, reason, wasClean, error = this.#error } = this.#record!;
    if (wasClean || error === undefined) return { code, reason, wasClean };
    return { code, reason, wasClean, error };
  }
}
