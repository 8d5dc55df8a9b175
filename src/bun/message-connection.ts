import type {
  ByteConnectionOptions,
  ConnectionEnvironment,
} from "../connection/byte-connection-options.ts";
import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "../connection/connection.ts";
import type { Flushable } from "../connection/flush-queue.ts";
import { Heartbeat, type HeartbeatConnection } from "../connection/heartbeat.ts";
import { LatencyMeter } from "../connection/latency-meter.ts";
import { MessageRate, rateExceeded } from "../connection/message-rate.ts";
import type { TimeoutListener, WheelTimer } from "../connection/timer-wheel.ts";
import type { ProtocolError, TidewayError } from "../errors/index.ts";
import { CloseCode } from "../protocol/close-code.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../protocol/endpoint.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";
import type { Message } from "../streams/message-consumer.ts";
import type { BunSocket, BunSocketData } from "./bun-api.ts";
import { HeldMessages } from "./held-messages.ts";
import { SendQueue } from "./send-queue.ts";
import { tooBig, tooMuchHeld, violationOf } from "./violations.ts";

const NOTHING = new Uint8Array(0);

/** The end of a connection without a Close frame. */
const ABNORMAL: CloseInfo = { code: CloseCode.Abnormal, reason: "", wasClean: false };

/** The part of the environment that a connection needs when Bun does the framing. */
export type MessageConnectionEnvironment = Pick<
  ConnectionEnvironment,
  "wheel" | "flushQueue" | "defer"
>;

export interface MessageConnectionOptions extends Pick<
  ByteConnectionOptions,
  | "protocol"
  | "closeTimeoutMs"
  | "heartbeat"
  | "maxMessageBytes"
  | "maxMessagesPerSecond"
  | "unfinishedBudget"
> {
  /** The maximum size in bytes of the messages that arrive while the connection is paused. */
  readonly maxHeldBytes: number;
}

/**
 * A connection over a WebSocket of `Bun.serve`, which does the framing. Bun cannot stop reading, so messages
 * that arrive during a pause are held. Too many of them fail the connection with 1013.
 */
export class MessageConnection
  implements Connection, BunSocketData, HeartbeatConnection, Flushable, TimeoutListener
{
  readonly protocol: string;
  readonly extensions: string = "";
  maxMessageBytes: number;
  readonly #environment: MessageConnectionEnvironment;
  readonly #whenOpen: (connection: MessageConnection) => void;
  readonly #closeTimeoutMs: number;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #rate: MessageRate | undefined;
  readonly #held: HeldMessages;
  readonly #queue = new SendQueue();
  #socket!: BunSocket;
  #handler!: ConnectionHandler;
  #readyState: ReadyState = ReadyState.Open;
  #isPaused = false;
  /** Whether Bun delivers a message. It writes the answers to a chunk of messages at once. */
  #isReceiving = false;
  #isFlushQueued = false;
  /** Whether the kernel has not accepted all output. */
  #isBlocked = false;
  /** How this side has ended the connection; undefined if it has not. */
  #ownEnd: CloseInfo | undefined;
  /** Sends the Close frame. Undefined unless that waits for the output. */
  #sendClose: (() => void) | undefined;
  /** Ends the connection if Bun does not report its end, or if the output waits for too long. */
  #closeTimer: WheelTimer | undefined;
  #latency: LatencyMeter | undefined;

  /** @param whenOpen called when the socket is open; it MUST call `start` */
  constructor(
    environment: MessageConnectionEnvironment,
    options: MessageConnectionOptions,
    whenOpen: (connection: MessageConnection) => void,
  ) {
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxMessagesPerSecond = Infinity } =
      options;
    const { protocol, heartbeat = {}, maxHeldBytes, unfinishedBudget } = options;
    this.#environment = environment;
    this.#whenOpen = whenOpen;
    this.protocol = protocol;
    this.maxMessageBytes = maxMessageBytes;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 5000;
    this.#held = new HeldMessages(maxHeldBytes, unfinishedBudget);
    if (heartbeat !== false) this.#heartbeat = new Heartbeat(this, environment.wheel, heartbeat);
    if (maxMessagesPerSecond < Infinity) {
      this.#rate = new MessageRate(maxMessagesPerSecond, environment.wheel.nowMs);
    }
  }

  get readyState(): ReadyState {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    // Asking Bun takes as long as sending a short message, so it is asked only while output waits.
    return this.#queue.bytes + (this.unwrittenBytes ?? 0);
  }

  get latencyMs(): number | undefined {
    return this.#latency?.latencyMs;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get unwrittenBytes(): number | undefined {
    return this.#isBlocked ? this.#socket.getBufferedAmount() : undefined;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#heartbeat?.start();
  }

  sendText(text: string): void {
    if (this.#readyState === ReadyState.Open) this.#send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    if (this.#readyState !== ReadyState.Open) return;
    // A message that waits for the end of the turn must not change with the caller's array.
    this.#send(this.#writesNow ? bytes : new Uint8Array(bytes));
  }

  sendPrepared({ data }: PreparedMessage): void {
    if (this.#readyState === ReadyState.Open) this.#send(data);
  }

  ping(payload: Uint8Array = NOTHING): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.flush();
    this.#latency ??= new LatencyMeter();
    this.#latency.start(payload, this.#environment.wheel.nowMs);
    this.#socket.ping(payload);
  }

  close(code: number = CloseCode.Normal, reason = ""): void {
    // Bun reports the end at once, and does not tell how the peer answers.
    this.#endWithClose({ code, reason, wasClean: true }, code, reason);
  }

  terminate(error?: TidewayError): void {
    const info = error === undefined ? ABNORMAL : { ...ABNORMAL, error };
    if (this.#sendClose === undefined) this.#end(info, () => this.#socket.terminate());
    else this.#giveUp(info);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#heartbeat?.recordActivity();
    while (!this.#isPaused && !this.#held.isEmpty) this.#deliver(this.#held.shift());
  }

  /** The flush queue calls this at the end of a turn of the event loop. */
  flush(): void {
    this.#isFlushQueued = false;
    if (this.#readyState !== ReadyState.Open || this.#queue.isEmpty) return;
    this.#queue.sendAll(this.#socket);
    if (this.#socket.getBufferedAmount() > 0) this.#block();
  }

  onOpen(socket: BunSocket): void {
    this.#socket = socket;
    socket.binaryType = "uint8array";
    this.#whenOpen(this);
  }

  onMessage(message: Message): void {
    if (!this.#isInRate()) return;
    if (this.#isTooBig(message)) {
      this.#fail(tooBig(Buffer.byteLength(message), this.maxMessageBytes));
      return;
    }
    if (this.#isPaused || !this.#held.isEmpty) {
      if (!this.#held.push(message)) this.#fail(tooMuchHeld(this.#held.maxBytes));
      return;
    }
    this.#isReceiving = true;
    this.#deliver(message);
    this.#isReceiving = false;
  }

  onDrain(): void {
    if (this.#readyState === ReadyState.Closed) return;
    this.#isBlocked = this.#socket.getBufferedAmount() > 0;
    if (this.#readyState === ReadyState.Open) {
      this.#heartbeat?.recordActivity();
      this.#handler.onDrain?.();
    } else if (!this.#isBlocked && this.#sendClose !== undefined) {
      // During this call, `close` of Bun would not end the connection.
      this.#environment.defer(this.#sendClose);
      this.#sendClose = undefined;
    }
  }

  onClose(code: number, reason: string): void {
    // The Close frame was not sent if it waited for the output.
    const ownEnd = this.#sendClose === undefined ? this.#ownEnd : ABNORMAL;
    if (ownEnd !== undefined) {
      this.#sendClose = undefined;
      this.#closeTimer?.cancel();
      // The end is an event, and never happens during a call of this side.
      this.#environment.defer(() => this.#finish(ownEnd));
      return;
    }
    this.#readyState = ReadyState.Closing;
    this.#heartbeat?.stop();
    const wasClean = code !== CloseCode.Abnormal;
    const error = wasClean ? undefined : violationOf(reason, this.maxMessageBytes);
    this.#isPaused = false;
    while (!this.#held.isEmpty) this.#deliver(this.#held.shift());
    this.#handler.onClosing(error);
    const info = { code, reason: wasClean ? reason : "", wasClean };
    this.#finish(error === undefined ? info : { ...info, error });
  }

  onPing(payload: Uint8Array): void {
    if (this.#isInRate()) this.#handler.onPing?.(payload);
  }

  onPong(payload: Uint8Array): void {
    if (!this.#isInRate()) return;
    this.#latency?.stop(payload, this.#environment.wheel.nowMs);
    this.#handler.onPong?.(payload);
  }

  /** Whether Bun writes a message that is sent now together with other answers. */
  get #writesNow(): boolean {
    return this.#isReceiving && this.#queue.isEmpty;
  }

  #send(message: Message): void {
    if (this.#writesNow) {
      if (this.#socket.send(message) < 0) this.#block();
      return;
    }
    this.#queue.push(message);
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    this.#environment.flushQueue.add(this);
  }

  /** Watches the output, which the kernel has not accepted. */
  #block(): void {
    this.#isBlocked = true;
    this.#heartbeat?.watchOutput();
  }

  #deliver(message: Message): void {
    if (typeof message === "string") this.#handler.onText(message);
    else this.#handler.onBinary(message);
  }

  /** Records activity of the peer, and counts its message. Returns false if the message must be ignored. */
  #isInRate(): boolean {
    if (this.#readyState !== ReadyState.Open) return false;
    // While output waits, input does not count as activity: a peer that reads nothing would let output fill memory.
    if (!this.#isBlocked) this.#heartbeat?.recordActivity();
    if (this.#rate === undefined) return true;
    this.#rate.refill(this.#environment.wheel.nowMs);
    if (this.#rate.take()) return true;
    this.#fail(rateExceeded(this.#rate));
    return false;
  }

  /** Compares with the limit of this route. Bun has compared with the largest limit of all routes. */
  #isTooBig(message: Message): boolean {
    const { length } = message;
    if (typeof message !== "string") return length > this.maxMessageBytes;
    // A UTF-16 unit takes at most three bytes of UTF-8.
    return 3 * length > this.maxMessageBytes && Buffer.byteLength(message) > this.maxMessageBytes;
  }

  /** Fails the connection because the peer violated a rule. */
  #fail(error: ProtocolError): void {
    const { closeCode = CloseCode.ProtocolError, message } = error;
    this.#endWithClose({ ...ABNORMAL, error }, closeCode, message);
    this.#handler.onClosing(error);
  }

  /** Ends the connection with a Close frame after all output. A stop of the server would drop waiting output. */
  #endWithClose(info: CloseInfo, code: number, reason: string): void {
    this.#end(info, () => {
      const sendClose = (): void => this.#socket.close(code, reason);
      if (this.#isBlocked) this.#sendClose = sendClose;
      else sendClose();
    });
  }

  /** Drops the output that the Close frame waits for. */
  #giveUp(info: CloseInfo): void {
    this.#sendClose = undefined;
    this.#ownEnd = info;
    this.#socket.terminate();
  }

  /** Ends the connection from this side. Has no effect if it has ended. */
  #end(info: CloseInfo, end: () => void): void {
    if (this.#readyState !== ReadyState.Open) return;
    this.flush();
    this.#readyState = ReadyState.Closing;
    this.#heartbeat?.stop();
    this.#held.clear();
    this.#ownEnd = info;
    this.#closeTimer = this.#environment.wheel.start(this.#closeTimeoutMs, this);
    end();
  }

  onTimeout(): void {
    if (this.#sendClose === undefined) this.#socket.terminate();
    else this.#giveUp(ABNORMAL);
    this.#finish(this.#ownEnd!);
  }

  #finish(info: CloseInfo): void {
    if (this.#readyState === ReadyState.Closed) return;
    this.#readyState = ReadyState.Closed;
    this.#handler.onClose(info);
  }
}
