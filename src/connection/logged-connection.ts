import { CloseCode } from "../errors/close-code.ts";
import { type DebugLog, describeClose, describeError } from "../errors/debug-log.ts";
import type { ProtocolError, TidewayError } from "../errors/index.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";
import { ByteConnection } from "./byte-connection.ts";
import type { ByteConnectionOptions, ConnectionEnvironment } from "./byte-connection-options.ts";
import type { ByteTransport } from "./byte-transport.ts";
import {
  type CloseInfo,
  type ConnectionHandler,
  type FrameConnection,
  ReadyState,
} from "./connection.ts";
import { LoggedTransport } from "./logged-transport.ts";
import { SlowPhase } from "./slow-phase.ts";

/**
 * Opens a connection over a byte transport. If the debug log is enabled, the connection writes its events
 * there. Otherwise, the result is a plain `ByteConnection`, so that logging costs nothing.
 */
export function openByteConnection(
  environment: ConnectionEnvironment,
  transport: ByteTransport,
  options: ByteConnectionOptions,
): FrameConnection {
  return environment.log.isEnabled
    ? new LoggedConnection(environment, transport, options)
    : new ByteConnection(environment, transport, options);
}

/** A connection that writes its state changes, its pauses and its end to the debug log. */
class LoggedConnection implements FrameConnection, ConnectionHandler {
  readonly #log: DebugLog;
  readonly #name: string;
  readonly #transport: LoggedTransport;
  readonly #connection: ByteConnection;
  readonly #paused: SlowPhase;
  readonly #nowMs: () => number;
  readonly #openedMs: number;
  readonly #role: string;
  #handler: ConnectionHandler | undefined;
  #received = 0;
  #sent = 0;

  constructor(
    { log, ...others }: ConnectionEnvironment,
    transport: ByteTransport,
    options: ByteConnectionOptions,
  ) {
    this.#log = log;
    this.#name = `connection ${log.idOf("connection", this)}`;
    this.#transport = new LoggedTransport(transport, this.#name, log, others.wheel);
    this.#connection = new ByteConnection({ ...others, log }, this.#transport, options);
    this.#paused = new SlowPhase(log, others.wheel);
    this.#nowMs = () => others.wheel.nowMs;
    this.#openedMs = this.#nowMs();
    this.#role = options.role;
  }

  get protocol(): string {
    return this.#connection.protocol;
  }

  get extensions(): string {
    return this.#connection.extensions;
  }

  get readyState(): ReadyState {
    return this.#connection.readyState;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  get latencyMs(): number | undefined {
    return this.#connection.latencyMs;
  }

  get maxMessageBytes(): number {
    return this.#connection.maxMessageBytes;
  }

  set maxMessageBytes(value: number) {
    this.#connection.maxMessageBytes = value;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#write(() => `open, this side is the ${this.#role}`);
    this.#connection.start(this);
  }

  sendText(text: string, mayCompress?: boolean): void {
    this.#countSent();
    this.#connection.sendText(text, mayCompress);
  }

  sendBinary(bytes: Uint8Array, mayCompress?: boolean): void {
    this.#countSent();
    this.#connection.sendBinary(bytes, mayCompress);
  }

  sendPrepared(message: PreparedMessage): void {
    this.#countSent();
    this.#connection.sendPrepared(message);
  }

  ping(payload?: Uint8Array): void {
    this.#connection.ping(payload);
  }

  pong(payload: Uint8Array): void {
    this.#connection.pong(payload);
  }

  sendTextBytes(bytes: Uint8Array, mayCompress?: boolean): void {
    this.#countSent();
    this.#connection.sendTextBytes(bytes, mayCompress);
  }

  sendFragment(
    bytes: Uint8Array,
    type: "text" | "binary",
    isFinal: boolean,
    mayCompress?: boolean,
  ): void {
    if (isFinal) this.#countSent();
    this.#connection.sendFragment(bytes, type, isFinal, mayCompress);
  }

  sendEncoded(frames: Uint8Array): void {
    this.#countSent();
    this.#connection.sendEncoded(frames);
  }

  set masksFrames(value: boolean) {
    this.#connection.masksFrames = value;
  }

  set keepsFragments(value: boolean) {
    this.#connection.keepsFragments = value;
  }

  whenWritten(callback: (error?: TidewayError) => void): void {
    this.#connection.whenWritten(callback);
  }

  flush(): void {
    this.#connection.flush();
  }

  close(code?: number, reason = ""): void {
    if (this.readyState === ReadyState.Open) {
      this.#write(
        () =>
          `closing: this side sends Close ${describeClose(code ?? CloseCode.NoStatusReceived, reason)}`,
      );
    }
    this.#connection.close(code, reason);
    // The connection reads the peer's Close even if it was paused.
    this.#paused.cancel();
  }

  terminate(error?: TidewayError): void {
    if (this.readyState !== ReadyState.Closed) {
      this.#write(
        () =>
          `closing: this side drops the connection${error === undefined ? "" : `, ${describeError(error)}`}`,
      );
    }
    this.#connection.terminate(error);
  }

  pause(): void {
    if (this.readyState === ReadyState.Open) {
      this.#paused.start(
        (ageMs) =>
          `${this.#name} reading paused: received messages have waited ${ageMs} ms for the application (${this.#traffic})`,
      );
    }
    this.#connection.pause();
  }

  resume(): void {
    this.#paused.end((ageMs) => `${this.#name} reading resumed after ${ageMs} ms`);
    this.#connection.resume();
  }

  onText(text: string): void {
    this.#received++;
    this.#handler!.onText(text);
  }

  onBinary(bytes: Uint8Array): void {
    this.#received++;
    this.#handler!.onBinary(bytes);
  }

  onTextBytes(bytes: Uint8Array): void {
    this.#received++;
    this.#handler!.onTextBytes!(bytes);
  }

  onFragments(fragments: Uint8Array[]): void {
    this.#received++;
    this.#handler!.onFragments!(fragments);
  }

  onClosing(error?: ProtocolError): void {
    this.#write(() =>
      error === undefined
        ? "closing: the peer sends no more messages"
        : `closing: this side fails the connection with ${error.closeCode}, ${describeError(error)}`,
    );
    this.#handler!.onClosing(error);
  }

  onClose(info: CloseInfo): void {
    this.#paused.cancel();
    const { code, reason, wasClean, error } = info;
    this.#write(() => {
      const how = wasClean ? "after a closing handshake" : "without a closing handshake";
      const why = error === undefined ? "" : `, ${describeError(error)}`;
      const ageMs = Math.round(this.#nowMs() - this.#openedMs);
      return `closed with ${describeClose(code, reason)} ${how} after ${ageMs} ms${why} (${this.#traffic})`;
    });
    this.#handler!.onClose(info);
  }

  onDrain(): void {
    this.#handler!.onDrain?.();
  }

  answersPing(payload: Uint8Array): boolean {
    return this.#handler!.answersPing?.(payload) ?? true;
  }

  onPing(payload: Uint8Array): void {
    this.#handler!.onPing?.(payload);
  }

  onPong(payload: Uint8Array): void {
    this.#handler!.onPong?.(payload);
  }

  get #traffic(): string {
    const { readBytes, writtenBytes } = this.#transport;
    return (
      `received ${this.#received} messages in ${readBytes} bytes, ` +
      `sent ${this.#sent} messages in ${writtenBytes} bytes`
    );
  }

  #countSent(): void {
    if (this.readyState === ReadyState.Open) this.#sent++;
  }

  #write(format: () => string): void {
    this.#log.write(() => `${this.#name} ${format()}`);
  }
}
