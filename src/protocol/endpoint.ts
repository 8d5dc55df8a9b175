import { type ProtocolError, UsageError } from "../errors/index.ts";
import { CloseCode, isCloseCodeOnWire, MAX_CLOSE_REASON_BYTES } from "./close-code.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { DeflateCodec } from "./deflate/codec.ts";
import { MessageDeflate } from "./deflate/message-deflate.ts";
import type { DeflateAgreement } from "./deflate/negotiation.ts";
import { MAX_CONTROL_PAYLOAD_BYTES } from "./frame-rules.ts";
import { FrameWriter } from "./frame-writer.ts";
import { Opcode } from "./opcode.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import type { PreparedMessage } from "./prepared-message.ts";
import { Receiver } from "./receiver.ts";

const FIN = 0x80;

export interface EndpointOptions {
  /** Which end of the connection this is (RFC 6455 5.1). */
  readonly role: "client" | "server";
  /** The largest message taken, in bytes over all its fragments; default 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** What unfinished messages may hold together with those of others; default: not counted. */
  readonly unfinishedBudget?: ByteBudget | undefined;
  /** The largest data frame sent, in bytes of payload; default: messages are not fragmented. */
  readonly maxFrameBytes?: number | undefined;
  /** Compression (RFC 7692), where the opening handshake has agreed on it, and what does it. */
  readonly deflate?:
    | { readonly agreement: DeflateAgreement; readonly codec: DeflateCodec }
    | undefined;
}

/**
 * - `open`: messages flow both ways.
 * - `closing`: this side has sent its Close frame and waits for the peer's (RFC 6455 7.1.3).
 * - `closed`: Close frames went both ways, or the connection was failed, or the bytes ended; what
 *   is left to do is to write the output and close the transport.
 */
export type EndpointState = "open" | "closing" | "closed";

/** How the conversation ended, in the terms of RFC 6455 7.1.5 and 7.1.6. */
export interface ClosingRecord {
  /** The peer's code; 1005 where its Close frame held none, 1006 where none came. */
  readonly code: number;
  /** The peer's reason, or the empty string. */
  readonly reason: string;
  /** Whether Close frames went both ways. */
  readonly wasClean: boolean;
  /** How the peer broke the protocol, where this side failed the connection. */
  readonly error: ProtocolError | undefined;
}

/** What an endpoint tells its owner, each while the bytes that lead to it are being received. */
export interface EndpointEvents {
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The state has become `closed`; the output may hold a last Close frame. */
  onFinish(record: ClosingRecord): void;
}

/**
 * One end of an open WebSocket connection (RFC 6455 5 to 7) without any I/O: bytes go in by
 * `receive` and come out in the output buffer, to which every call appends. Pings are answered and
 * the closing handshake is kept by itself; what the peer sends never makes it throw.
 */
export class Endpoint extends Receiver {
  #state: EndpointState = "open";
  readonly #events: EndpointEvents;
  readonly #environment: ProtocolEnvironment;
  readonly #writer: FrameWriter;
  readonly #deflate: MessageDeflate | undefined;
  #holdsPongs = false;
  #heldPong: Uint8Array | undefined;

  constructor(
    options: EndpointOptions,
    environment: ProtocolEnvironment,
    output: OutputBuffer,
    events: EndpointEvents,
  ) {
    const { role, maxMessageBytes = 1_048_576, maxFrameBytes = Infinity } = options;
    const deflate =
      options.deflate && new MessageDeflate(options.deflate.agreement, options.deflate.codec);
    const { unfinishedBudget } = options;
    super({ role, maxMessageBytes, deflate, unfinishedBudget }, environment);
    this.#deflate = deflate;
    this.#events = events;
    this.#environment = environment;
    this.#writer = new FrameWriter({ role, maxFrameBytes, deflate }, environment, output);
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** By how many bytes compression has made the output shorter so far. */
  get savedBytes(): number {
    return this.#deflate?.savedBytes ?? 0;
  }

  /** The transport has ended: without Close frames both ways the close code is 1006. */
  receiveEnd(): void {
    if (this.#state === "closed") return;
    this.#finish({ code: CloseCode.Abnormal, reason: "", wasClean: false, error: undefined });
  }

  /**
   * @param mayCompress whether to compress the message if that is agreed upon and worth while
   * @throws {UsageError} `NOT_OPEN` unless the state is `open`.
   */
  sendText(text: string, mayCompress = true): void {
    this.#checkOpen();
    this.#writer.writeText(text, mayCompress);
  }

  /** As `sendText`. @throws {UsageError} `NOT_OPEN` unless the state is `open`. */
  sendBinary(bytes: Uint8Array, mayCompress = true): void {
    this.#checkOpen();
    this.#writer.writeBinary(bytes, mayCompress);
  }

  /** As `sendText`, a message for many. @throws {UsageError} `NOT_OPEN` unless the state is `open`. */
  sendPrepared(message: PreparedMessage): void {
    this.#checkOpen();
    this.#writer.writePrepared(message);
  }

  /** @throws {UsageError} `NOT_OPEN`, or `CONTROL_TOO_BIG` above 125 bytes (RFC 6455 5.5). */
  ping(payload: Uint8Array): void {
    this.#sendControl(Opcode.Ping, payload);
  }

  /** An unsolicited pong (RFC 6455 5.5.3). @throws {UsageError} as `ping` does. */
  pong(payload: Uint8Array): void {
    this.#sendControl(Opcode.Pong, payload);
  }

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); without effect once it has begun.
   * @throws {UsageError} `INVALID_CLOSE_CODE` or `CLOSE_REASON_TOO_BIG`.
   */
  close(code?: number, reason = ""): void {
    const payload = closePayload(this.#environment, code, reason);
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#writer.writeFrame(FIN | Opcode.Close, payload);
    // The peer's Close frame stands behind what is held back; that data is of no use any more.
    this.resume();
  }

  /** Fails the connection (RFC 6455 7.1.7) with the close code of `error`, for reasons of the owner's. */
  fail(error: ProtocolError): void {
    if (this.#state === "closed") return;
    this.stop();
    this.onViolation(error);
  }

  /**
   * While true, pings are not answered but the latest is remembered, and answered when it becomes
   * false (RFC 6455 5.5.3): a peer that pings and does not read fills no memory.
   */
  set holdsPongs(value: boolean) {
    this.#holdsPongs = value;
    if (!value && this.#heldPong !== undefined) this.#answerPing(this.#heldPong);
  }

  #sendControl(opcode: Opcode, payload: Uint8Array): void {
    this.#checkOpen();
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new UsageError(
        "CONTROL_TOO_BIG",
        `payload of ${payload.length} bytes exceeds the ${MAX_CONTROL_PAYLOAD_BYTES} of a control frame`,
      );
    }
    this.#writer.writeFrame(FIN | opcode, payload);
  }

  #checkOpen(): void {
    if (this.#state !== "open") {
      throw new UsageError("NOT_OPEN", `the connection is ${this.#state}`);
    }
  }

  // RFC 6455 1.4: data that comes after this side's Close frame is discarded.
  protected override onText(text: string): void {
    if (this.#state === "open") this.#events.onText(text);
  }

  protected override onBinary(bytes: Uint8Array): void {
    if (this.#state === "open") this.#events.onBinary(bytes);
  }

  protected override onPing(payload: Uint8Array): void {
    this.#answerPing(payload);
    this.#events.onPing(payload);
  }

  protected override onPong(payload: Uint8Array): void {
    this.#events.onPong(payload);
  }

  /** RFC 6455 5.5.1: a Close frame is answered with one that repeats its code. */
  protected override onCloseFrame(code: number, reason: string): void {
    if (this.#state === "open") {
      const echoed = code === CloseCode.NoStatusReceived ? undefined : code;
      this.#writer.writeFrame(FIN | Opcode.Close, closePayload(this.#environment, echoed, ""));
    }
    this.#finish({ code, reason, wasClean: true, error: undefined });
  }

  /** RFC 6455 7.1.7: tells the peer why, if it has not been sent a Close frame already. */
  protected override onViolation(error: ProtocolError): void {
    if (this.#state === "open") {
      const payload = closePayload(this.#environment, error.closeCode, error.message);
      this.#writer.writeFrame(FIN | Opcode.Close, payload);
    }
    this.#finish({ code: CloseCode.Abnormal, reason: "", wasClean: false, error });
  }

  #answerPing(payload: Uint8Array): void {
    if (this.#state === "closed") return;
    if (this.#holdsPongs) {
      this.#heldPong = payload;
      return;
    }
    this.#heldPong = undefined;
    this.#writer.writeFrame(FIN | Opcode.Pong, payload);
  }

  #finish(record: ClosingRecord): void {
    this.#state = "closed";
    this.#heldPong = undefined;
    this.#deflate?.close();
    this.stop();
    this.#events.onFinish(record);
  }
}

/** The body of a Close frame (RFC 6455 5.5.1). */
function closePayload(
  environment: ProtocolEnvironment,
  code: number | undefined,
  reason: string,
): Uint8Array {
  checkCloseArguments(environment, code, reason);
  if (code === undefined) return environment.allocate(0);
  const payload = environment.allocate(2 + environment.utf8Length(reason));
  payload[0] = code >>> 8;
  payload[1] = code;
  environment.encodeUtf8(reason, payload, 2);
  return payload;
}

/**
 * RFC 6455 7.4 and 5.5.
 * @throws {UsageError} `INVALID_CLOSE_CODE` or `CLOSE_REASON_TOO_BIG`.
 */
function checkCloseArguments(
  environment: ProtocolEnvironment,
  code: number | undefined,
  reason: string,
): void {
  if (code === undefined && reason === "") return;
  if (code === undefined || !isCloseCodeOnWire(code) || !Number.isInteger(code)) {
    throw new UsageError("INVALID_CLOSE_CODE", `close code ${code} must not be sent`);
  }
  const reasonBytes = environment.utf8Length(reason);
  if (reasonBytes > MAX_CLOSE_REASON_BYTES) {
    throw new UsageError(
      "CLOSE_REASON_TOO_BIG",
      `close reason of ${reasonBytes} bytes exceeds ${MAX_CLOSE_REASON_BYTES}`,
    );
  }
}
