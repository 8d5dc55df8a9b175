import { ProtocolError, UsageError } from "../errors/index.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { CloseCode } from "./close-code.ts";
import { type CloseFrame, closePayload } from "./close-frame.ts";
import type { DeflateCodec } from "./deflate/codec.ts";
import { MessageDeflate } from "./deflate/message-deflate.ts";
import type { DeflateAgreement } from "./deflate/negotiation.ts";
import type { EndpointEnvironment } from "./endpoint-environment.ts";
import { FrameParser } from "./frame-parser.ts";
import { type Fault, MAX_CONTROL_PAYLOAD_BYTES } from "./frame-rules.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { MaskingKeySource } from "./masking-keys.ts";
import {
  MessageAssembler,
  type MessageHandler,
  type ReceivingOptions,
} from "./message-assembler.ts";
import { Opcode } from "./opcode.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import type { PreparedMessage } from "./prepared-message.ts";

/** The default of `maxMessageBytes` of servers and of `createEndpoint`. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_576;

const FIN = 0x80;

const NO_RULES: ClosingRules = {};

/** How the closing handshake differs from the usual one of this package. */
export interface ClosingRules {
  /** Whether messages are received after this side's Close frame, until the peer's. Default: false. */
  readonly receivesMessages?: boolean | undefined;
  /** Whether the answer to a Close frame repeats its reason, and not only its code. Default: false. */
  readonly echoesReason?: boolean | undefined;
  /** Whether the Close frame with which this side fails the connection has a reason. Default: true. */
  readonly explainsFailure?: boolean | undefined;
  /**
   * Whether a client ends its side of the transport after the closing handshake, without waiting for the server
   * (RFC 6455 7.1.1). Default: false.
   */
  readonly clientEndsTransport?: boolean | undefined;
}

export interface EndpointOptions extends ReceivingOptions {
  /** Which end of the connection this is (RFC 6455 5.1). */
  readonly role: "client" | "server";
  /** The maximum size in bytes of a received message, over all its fragments. Default: 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Limits the unfinished messages of several endpoints together. Default: no such limit. */
  readonly unfinishedBudget?: ByteBudget | undefined;
  /** The maximum payload in bytes of a data frame to send. Default: messages are not fragmented. */
  readonly maxFrameBytes?: number | undefined;
  /** Compression (RFC 7692) as agreed in the opening handshake, and the codec for it. */
  readonly deflate?:
    | { readonly agreement: DeflateAgreement; readonly codec: DeflateCodec }
    | undefined;
  /** Whether pings are answered. Default: true. */
  readonly answersPings?: boolean | undefined;
  /** The keys with which a client masks its frames. Default: random keys. */
  readonly maskingKeys?: MaskingKeySource | undefined;
  readonly closing?: ClosingRules | undefined;
}

/**
 * - `open`: both sides can send messages.
 * - `closing`: this side has sent its Close frame and waits for the peer's (RFC 6455 7.1.3).
 * - `closed`: both sides have sent Close frames, the connection has failed, or the peer's bytes have ended.
 *   The owner writes the output and closes the transport.
 */
export type EndpointState = "open" | "closing" | "closed";

/** How the connection ended (RFC 6455 7.1.5 and 7.1.6). */
export interface ClosingRecord {
  /** The code of the peer's Close frame; 1005 if that frame had none, 1006 if no Close frame arrived. */
  readonly code: number;
  /** The reason in the peer's Close frame, or the empty string. */
  readonly reason: string;
  /** Whether both ends sent a Close frame. */
  readonly wasClean: boolean;
  /** The error with which this side failed the connection; undefined if it did not. */
  readonly error: ProtocolError | undefined;
}

/** The callbacks of an endpoint. They run while `receive` processes the bytes that cause them. */
export interface EndpointEvents {
  onText(text: string): void;
  /** Called instead of `onText` with the option `decodesText: false`. */
  onTextBytes?(bytes: Uint8Array): void;
  onBinary(bytes: Uint8Array): void;
  /** Called instead of `onBinary` while `keepsFragments` is true, if a message has several fragments. */
  onFragments?(fragments: Uint8Array[]): void;
  /** Called before a ping is answered. Returns whether the endpoint answers it. */
  answersPing?(payload: Uint8Array): boolean;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The state has become `closed`; the output may hold a last Close frame. */
  onFinish(record: ClosingRecord): void;
}

/**
 * One end of an open WebSocket connection (RFC 6455 5 to 7), without I/O. `receive` takes the peer's bytes.
 * Bytes for the peer are appended to the output buffer. It answers pings and does the closing handshake.
 * Nothing that the peer sends makes it throw.
 */
export class Endpoint implements MessageHandler {
  #state: EndpointState = "open";
  readonly #events: EndpointEvents;
  readonly #parser: FrameParser;
  readonly #assembler: MessageAssembler;
  readonly #writer: FrameWriter;
  /** Whether pings are answered or deferred. After a deferred ping, its payload. */
  #pongs: "answer" | "defer" | Uint8Array = "answer";
  readonly #answersPings: boolean;
  readonly #closing: ClosingRules;

  constructor(
    options: EndpointOptions,
    environment: EndpointEnvironment,
    output: OutputBuffer,
    events: EndpointEvents,
  ) {
    const {
      role,
      maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
      maxFrameBytes,
      maskingKeys,
    } = options;
    const deflate =
      options.deflate && new MessageDeflate(options.deflate.agreement, options.deflate.codec);
    const { unfinishedBudget, decodesText, validatesUtf8, maxFragments, sharesBuffers } = options;
    this.#answersPings = options.answersPings ?? true;
    this.#closing = options.closing ?? NO_RULES;
    this.#events = events;
    this.#assembler = new MessageAssembler(
      {
        role,
        maxMessageBytes,
        deflate,
        unfinishedBudget,
        decodesText,
        validatesUtf8,
        maxFragments,
        sharesBuffers,
      },
      environment,
      this,
    );
    this.#parser = new FrameParser(
      { isMasked: role === "server", allowsCompressed: deflate !== undefined },
      this.#assembler,
    );
    this.#writer = new FrameWriter(
      { role, maxFrameBytes, deflate, maskingKeys },
      environment,
      output,
    );
  }

  get state(): EndpointState {
    return this.#state;
  }

  get isServer(): boolean {
    return this.#assembler.isServer;
  }

  /**
   * The largest message to receive, in bytes over all its fragments. A change applies from the next frame on.
   */
  get maxMessageBytes(): number {
    return this.#assembler.maxMessageBytes;
  }

  set maxMessageBytes(value: number) {
    this.#assembler.maxMessageBytes = value;
  }

  /**
   * Whether `onFragments` gets the fragments of a binary message separately. Applies from the next fragment
   * on. Default: false.
   */
  set keepsFragments(value: boolean) {
    this.#assembler.keepsFragments = value;
  }

  /** Whether the frames that follow are masked. Initially true on a client, and false on a server. */
  set masksFrames(value: boolean) {
    this.#writer.masksFrames = value;
  }

  /**
   * The number of bytes that are buffered for incomplete frames and messages, or that arrived while paused.
   */
  get bufferedBytes(): number {
    return this.#parser.waitingBytes + this.#assembler.bufferedBytes;
  }

  /**
   * Processes the next bytes from the peer and calls the callbacks. It may change the bytes during the
   * call.
   */
  receive(chunk: Uint8Array): void {
    this.#assembler.beginChunk();
    this.#parser.receive(chunk);
  }

  /** Processes the end of the transport. Unless both sides have sent Close frames, the close code is 1006. */
  receiveEnd(): void {
    if (this.#state === "closed") return;
    this.#finish({ code: CloseCode.Abnormal, reason: "", wasClean: false, error: undefined });
  }

  /** Stops callbacks from the next frame on, even within the current chunk. */
  pause(): void {
    this.#parser.pause();
  }

  /** Continues with the bytes that arrived while paused. */
  resume(): void {
    this.#parser.resume();
  }

  /**
   * @param mayCompress whether to compress the message if compression was negotiated and the message is long
   *   enough
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

  /** As `sendText`, for the UTF-8 of a text. @throws {UsageError} `NOT_OPEN` unless the state is `open`. */
  sendTextBytes(bytes: Uint8Array, mayCompress = true): void {
    this.#checkOpen();
    this.#writer.writeTextBytes(bytes, mayCompress);
  }

  /**
   * As `sendText`, for a message to many connections. @throws {UsageError} `NOT_OPEN` unless the state is
   * `open`.
   */
  sendPrepared(message: PreparedMessage): void {
    this.#checkOpen();
    this.#writer.writePrepared(message);
  }

  /**
   * Sends a fragment of a message. The first fragment determines the type of the message, and whether the
   * message is compressed. @throws {UsageError} `NOT_OPEN` unless the state is `open`.
   */
  sendFragment(
    bytes: Uint8Array,
    type: "text" | "binary",
    isFinal: boolean,
    mayCompress = true,
  ): void {
    this.#checkOpen();
    const opcode = type === "text" ? Opcode.Text : Opcode.Binary;
    this.#writer.writeFragment(opcode, bytes, isFinal, mayCompress);
  }

  /**
   * Sends frames that the caller has encoded. They MUST be valid. @throws {UsageError} `NOT_OPEN` unless the
   * state is `open`.
   */
  sendEncoded(frames: Uint8Array): void {
    this.#checkOpen();
    this.#writer.writeEncoded(frames);
  }

  /** @throws {UsageError} `NOT_OPEN`, or `CONTROL_TOO_BIG` above 125 bytes (RFC 6455 5.5). */
  ping(payload: Uint8Array): void {
    this.#sendControl(Opcode.Ping, payload);
  }

  /** Sends an unsolicited pong (RFC 6455 5.5.3). @throws {UsageError} as `ping` does. */
  pong(payload: Uint8Array): void {
    this.#sendControl(Opcode.Pong, payload);
  }

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); without effect once it has begun.
   * @throws {UsageError} `INVALID_CLOSE_CODE` or `INVALID_CLOSE_REASON`.
   */
  close(code?: number, reason = ""): void {
    const payload = closePayload(this.#writer.environment, code, reason);
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#writer.writeFrame(FIN | Opcode.Close, payload);
    // The peer's Close frame follows the buffered bytes, which must be read first.
    if (this.#closing.receivesMessages !== true) this.resume();
  }

  /** Fails the connection (RFC 6455 7.1.7). The Close frame has the close code and the message of `error`. */
  fail(error: ProtocolError): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") {
      const reason = this.#closing.explainsFailure === false ? "" : error.message;
      const payload = closePayload(this.#writer.environment, error.closeCode, reason);
      this.#writer.writeFrame(FIN | Opcode.Close, payload);
    }
    this.#finish({ code: CloseCode.Abnormal, reason: "", wasClean: false, error });
  }

  /**
   * While true, pings are not answered. Only the latest ping is remembered, and answered when this becomes
   * false (RFC 6455 5.5.3). So a peer that sends pings and does not read cannot fill memory with pongs.
   */
  set defersPongs(value: boolean) {
    const pongs = this.#pongs;
    if (value === (pongs !== "answer")) return;
    this.#pongs = value ? "defer" : "answer";
    if (typeof pongs !== "string") this.#answerPing(pongs);
  }

  #sendControl(opcode: Opcode, payload: Uint8Array): void {
    this.#checkOpen();
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new UsageError(
        "CONTROL_TOO_BIG",
        `a payload of ${payload.length} bytes exceeds the limit of ${MAX_CONTROL_PAYLOAD_BYTES} for a control frame (RFC 6455 5.5)`,
      );
    }
    this.#writer.writeFrame(FIN | opcode, payload);
  }

  #checkOpen(): void {
    if (this.#state !== "open") {
      throw new UsageError(
        "NOT_OPEN",
        `the connection is ${this.#state}; it can send only while it is open`,
      );
    }
  }

  // RFC 6455 1.4: data that arrives after this side's Close frame is discarded.
  onText(text: string): void {
    if (this.#deliversMessages()) this.#events.onText(text);
  }

  onTextBytes(bytes: Uint8Array): void {
    if (this.#deliversMessages()) this.#events.onTextBytes!(bytes);
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#deliversMessages()) this.#events.onBinary(bytes);
  }

  onFragments(fragments: Uint8Array[]): void {
    if (this.#deliversMessages()) this.#events.onFragments!(fragments);
  }

  onPing(payload: Uint8Array): void {
    this.#answerPing(payload);
    this.#events.onPing(payload);
  }

  onPong(payload: Uint8Array): void {
    this.#events.onPong(payload);
  }

  /** RFC 6455 5.5.1: the answer to a Close frame repeats its code. */
  onCloseFrame({ code, reason }: CloseFrame): void {
    if (this.#state === "open") {
      const echoed = code === CloseCode.NoStatusReceived ? undefined : code;
      const echoedReason = this.#closing.echoesReason === true ? reason : "";
      this.#writer.writeFrame(
        FIN | Opcode.Close,
        closePayload(this.#writer.environment, echoed, echoedReason),
      );
    }
    this.#finish({ code, reason, wasClean: true, error: undefined });
  }

  onFault({ code, message, closeCode }: Fault): void {
    this.fail(new ProtocolError(code, message, { closeCode }));
  }

  /** Whether messages are delivered: until this side's Close frame, or with `receivesMessages` until the peer's. */
  #deliversMessages(): boolean {
    if (this.#state === "open") return true;
    return this.#state === "closing" && this.#closing.receivesMessages === true;
  }

  #answerPing(payload: Uint8Array): void {
    if (!this.#answersPings) return;
    if (this.#events.answersPing?.(payload) === false) return;
    if (this.#pongs === "answer") this.#writer.writeFrame(FIN | Opcode.Pong, payload);
    else this.#pongs = payload;
  }

  #finish(record: ClosingRecord): void {
    this.#state = "closed";
    this.#pongs = "answer";
    this.#parser.stop();
    this.#assembler.stop();
    this.#events.onFinish(record);
  }
}
