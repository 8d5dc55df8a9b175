import { CloseCode } from "../../errors/close-code.ts";
import {
  hasData,
  hasValidFields,
  isClientFrameType,
  isCounter,
  isRequest,
} from "./client-frame-checks.ts";
import {
  byteLength,
  type ClientFrame,
  decodeFrame,
  encodeFrame,
  type ErrorFields,
} from "./frames.ts";
import type { ServerFrame } from "./frames.ts";

/** The frames of one type. */
export type ClientFrameOf<Type extends ClientFrame["type"]> = Extract<ClientFrame, { type: Type }>;

/**
 * The actions and requests of a {@link ServerSession}. It calls back synchronously while it processes a message.
 * No method may throw. Each request must be answered with exactly one of `answer`, `answerOutput` and
 * `fail`, now or later.
 */
export interface ServerSessionHandler {
  /** Sends a message on the connection. */
  send(message: string | Uint8Array): void;
  /** Starts the closing handshake. The session processes no more messages. */
  close(code: number, reason: string): void;
  /** The first frame. Answer with `welcome` of the session, or with `close`. */
  onHello(frame: ClientFrameOf<"hello">): void;
  /** Fresh credentials. Answer with `welcome` of the session, or with `close`. */
  onAuth(frame: ClientFrameOf<"auth">): void;
  onSubscribe(frame: ClientFrameOf<"subscribe">): void;
  onUnsubscribe(frame: ClientFrameOf<"unsubscribe">): void;
  onCredit(frame: ClientFrameOf<"credit">): void;
  onPublish(frame: ClientFrameOf<"publish">): void;
  /** The client has received the failure of a publish. */
  onSeen(frame: ClientFrameOf<"seen">): void;
  onWatch(frame: ClientFrameOf<"watch">): void;
  onUnwatch(frame: ClientFrameOf<"unwatch">): void;
  onEnter(frame: ClientFrameOf<"enter">): void;
  onLeave(frame: ClientFrameOf<"leave">): void;
  onHistory(frame: ClientFrameOf<"history">): void;
  onCall(frame: ClientFrameOf<"call">): void;
  onStream(frame: ClientFrameOf<"stream">): void;
  onCancelRequest(frame: ClientFrameOf<"cancel">): void;
}

/** The fields of the `welcome` frame. */
export type WelcomeFields = Omit<Extract<ServerFrame, { type: "welcome" }>, "type">;

/** The limits of a session in bytes. */
export interface ServerSessionLimits {
  /** The most bytes of messages before the welcome, and of a later `auth` frame. */
  readonly maxAuthBytes: number;
  /** The most bytes of large requests that have no answer. */
  readonly maxPendingBytes: number;
}

/** The fields of a frame that has not been checked. */
interface Fields {
  readonly type?: unknown;
  readonly id?: unknown;
  data?: unknown;
  input?: unknown;
}

/** The cost of an early message besides its length, so that many small messages are limited too. */
const EARLY_MESSAGE_BYTES = 64;

/** The most bytes of a request without data, because it may wait for a rule. */
const MAX_REQUEST_BYTES = 4096;

/** Larger requests count against `maxPendingBytes`. For the others, the limits on their number are enough. */
const SMALL_REQUEST_BYTES = 1024;

/**
 * - `hello`: nothing has arrived.
 * - `authorizing`: the hello has arrived. Later messages wait.
 * - `open`: the client is welcome.
 * - `closed`: the session has closed the connection, or the connection has ended.
 *
 * A state only changes to a state that is listed after it.
 */
type SessionState = "hello" | "authorizing" | "open" | "closed";

/**
 * The server's end of a channel connection without I/O: `receive` takes messages, checks them, and calls the
 * handler. It knows which requests are open. Nothing that a client sends makes it throw.
 */
export class ServerSession {
  readonly #handler: ServerSessionHandler;
  readonly #limits: ServerSessionLimits;
  #state: SessionState = "hello";
  /** Messages between the hello and the welcome. */
  #early: (string | Uint8Array)[] | undefined;
  #earlyBytes = 0;
  /** The maximum size of a message that the client accepts. Undefined if it has no limit. */
  #maxMessageBytes: number | undefined;
  /** The request that the handler is processing, until it answers; otherwise 0. */
  #current = 0;
  /** The bytes of the current request if it is large; otherwise 0. */
  #currentBytes = 0;
  /** The requests that the handler did not answer at once, with their bytes, or 0 if they are small. */
  #open: Map<number, number> | undefined;
  #openBytes = 0;

  constructor(handler: ServerSessionHandler, limits: ServerSessionLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Processes one message of the client. Never throws. */
  receive(message: string | Uint8Array): void {
    if (this.#state === "open") this.#process(message);
    else if (this.#state !== "closed") this.#receiveEarly(message);
  }

  /** Tells the client that it is authorized. After the first call, the waiting messages are processed. */
  welcome(fields: WelcomeFields): void {
    if (this.#state === "closed") return;
    this.#sendFrame({ type: "welcome", ...fields });
    if (this.#state !== "authorizing") return;
    this.#state = "open";
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.receive(message);
  }

  /** Answers a request with a `result` frame. Ignored if the request is not open. */
  answer(id: number, fields: Omit<Extract<ServerFrame, { type: "result" }>, "type" | "id">): void {
    if (this.#settle(id)) this.#sendAnswer(id, encodeFrame({ type: "result", id, ...fields }));
  }

  /**
   * Answers a call with its output, or with `TOO_BIG` if the client cannot receive it. Ignored if the request is
   * not open.
   *
   * @throws TypeError or RangeError if JSON cannot express the output. Then the request stays open.
   */
  answerOutput(id: number, output: unknown): void {
    if (!this.isRequestOpen(id)) return;
    const message = encodeOutput(id, output);
    this.#settle(id);
    this.#sendAnswer(id, message);
  }

  /** Answers a request with an `error` frame. Ignored if the request is not open. */
  fail(id: number, error: ErrorFields, bytes?: Uint8Array): void {
    if (!this.#settle(id)) return;
    // The client must know this even if the rest is too big, because it answers the failure of a publish with `seen`.
    const { mayBeStored } = error;
    const kept = mayBeStored === undefined ? {} : { mayBeStored };
    this.#sendAnswer(id, encodeFrame({ type: "error", id, ...error }, bytes), kept);
  }

  /** Answers a `subscribe`. Ignored if the request is not open. */
  answerSubscribed(frame: Extract<ServerFrame, { type: "subscribed" }>): void {
    if (this.#settle(frame.id)) this.#sendFrame(frame);
  }

  /** Answers a `watch` with the list of members. Ignored if the request is not open. */
  answerMembers(id: number, message: string): void {
    if (this.#settle(id)) this.#handler.send(message);
  }

  /** Ends a stream. Ignored if the request is not open. */
  answerEnd(id: number): void {
    if (this.#settle(id)) this.#sendFrame({ type: "end", id });
  }

  /**
   * Forgets a request that the client has cancelled. No answer follows. Returns the bytes that still count until
   * `release`.
   */
  forget(id: number): number {
    const bytes = this.#open?.get(id) ?? 0;
    this.#openBytes += bytes;
    this.#settle(id);
    return bytes;
  }

  /** The work of a request that was forgotten has ended. @param bytes the result of `forget` */
  release(bytes: number): void {
    this.#openBytes -= bytes;
  }

  /** Returns the error for a message that is too big for the client, or undefined if the client accepts it. */
  errorIfTooBig(message: string | Uint8Array): ErrorFields | undefined {
    // A UTF-16 code unit takes at most three bytes of UTF-8. Most messages are small.
    if (this.#maxMessageBytes === undefined || message.length * 3 <= this.#maxMessageBytes) {
      return undefined;
    }
    return this.errorIfLonger(byteLength(message));
  }

  /** Like {@link errorIfTooBig}, for a message with this number of bytes. */
  errorIfLonger(bytes: number): ErrorFields | undefined {
    const limit = this.#maxMessageBytes;
    if (limit === undefined || bytes <= limit) return undefined;
    const message = `a message of ${bytes} bytes exceeds maxMessageBytes ${limit} of the client`;
    return { code: "TOO_BIG", message };
  }

  /** Sends a frame that is not an answer. */
  send(frame: ServerFrame, bytes?: Uint8Array): void {
    if (this.#state !== "closed") this.#sendFrame(frame, bytes);
  }

  /** Whether a request waits for its answer. */
  isRequestOpen(id: number): boolean {
    return this.#state !== "closed" && (id === this.#current || this.#open?.has(id) === true);
  }

  /** Whether the request that the handler is processing is too large while others have no answer. */
  get exceedsPendingBytes(): boolean {
    const isAlone = this.#currentBytes === 0 || this.#openBytes === 0;
    return !isAlone && this.#openBytes + this.#currentBytes > this.#limits.maxPendingBytes;
  }

  /** Closes the connection. */
  close(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.end();
    this.#handler.close(code, reason);
  }

  /** The connection has ended. Nothing is sent or processed any more. */
  end(): void {
    this.#state = "closed";
    this.#early = undefined;
    this.#open = undefined;
    this.#current = 0;
  }

  /** The first message must be the hello. Later messages wait for the welcome, and their memory is limited. */
  #receiveEarly(message: string | Uint8Array): void {
    const { maxAuthBytes } = this.#limits;
    this.#earlyBytes += message.length + (this.#state === "hello" ? 0 : EARLY_MESSAGE_BYTES);
    if (this.#earlyBytes > maxAuthBytes) {
      this.close(CloseCode.MessageTooBig, `more than ${maxAuthBytes} bytes before the welcome`);
    } else if (this.#state === "hello") {
      this.#process(message);
    } else {
      (this.#early ??= []).push(message);
    }
  }

  #process(message: string | Uint8Array): void {
    let frame: Fields;
    try {
      frame = read(message);
    } catch {
      this.close(CloseCode.InvalidPayload, "a frame must be JSON");
      return;
    }
    const type = frame?.type;
    if (typeof type !== "string")
      this.close(CloseCode.ProtocolError, "a frame must be an object with a type");
    else if (!isClientFrameType(type)) return;
    else if (!isRequest(type)) this.#processNotice(type, frame, message);
    else if (this.#state === "hello")
      this.close(CloseCode.ProtocolError, "the first frame must be hello");
    else this.#processRequest(type, frame, message.length);
  }

  #processRequest(type: ClientFrame["type"], frame: Fields, bytes: number): void {
    const { id } = frame;
    if (!isCounter(id)) {
      this.close(CloseCode.ProtocolError, "the id of a request must be a safe integer above 0");
    } else if (this.#open?.has(id) === true) {
      this.#refuse(type, id, "the id is in use");
    } else if (bytes > MAX_REQUEST_BYTES && !hasData(type)) {
      const limit = `the limit of ${MAX_REQUEST_BYTES}`;
      this.#refuse(type, id, `a ${type} frame of ${bytes} bytes exceeds ${limit}`);
    } else if (!hasValidFields(type, frame)) {
      this.#refuse(type, id, `a field of the ${type} frame is missing or not valid`);
    } else {
      this.#current = id;
      this.#currentBytes = bytes > SMALL_REQUEST_BYTES ? bytes : 0;
      this.#dispatchRequest(frame as unknown as ClientFrame);
      if (this.#current === 0) return;
      this.#current = 0;
      (this.#open ??= new Map()).set(id, this.#currentBytes);
      this.#openBytes += this.#currentBytes;
    }
  }

  /** Answers a request that the handler does not get. */
  #refuse(type: ClientFrame["type"], id: number, message: string): void {
    const error = { type: "error", id, code: "INVALID_REQUEST", message } as const;
    this.#sendFrame(type === "publish" ? { ...error, mayBeStored: false } : error);
  }

  #dispatchRequest(frame: ClientFrame): void {
    const handler = this.#handler;
    if (frame.type === "call") handler.onCall(frame);
    else if (frame.type === "publish") handler.onPublish(frame);
    else if (frame.type === "subscribe") handler.onSubscribe(frame);
    else if (frame.type === "stream") handler.onStream(frame);
    else if (frame.type === "watch") handler.onWatch(frame);
    else if (frame.type === "enter") handler.onEnter(frame);
    else if (frame.type === "leave") handler.onLeave(frame);
    else if (frame.type === "history") handler.onHistory(frame);
  }

  #processNotice(type: ClientFrame["type"], fields: Fields, message: string | Uint8Array): void {
    if (!hasValidFields(type, fields)) {
      this.close(
        CloseCode.ProtocolError,
        `a field of the ${type} frame is missing or has the wrong type`,
      );
      return;
    }
    const frame = fields as unknown as ClientFrame;
    if (this.#state === "hello") this.#processHello(frame);
    else if (frame.type === "hello") this.close(CloseCode.ProtocolError, "a second hello");
    else if (frame.type !== "auth") this.#dispatchNotice(frame);
    else if (message.length > this.#limits.maxAuthBytes) {
      this.close(
        CloseCode.MessageTooBig,
        `an auth frame of more than ${this.#limits.maxAuthBytes} bytes`,
      );
    } else this.#handler.onAuth(frame);
  }

  #processHello(frame: ClientFrame): void {
    if (frame.type === "hello") {
      this.#state = "authorizing";
      this.#maxMessageBytes = frame.maxMessageBytes;
      this.#handler.onHello(frame);
    } else {
      this.close(CloseCode.ProtocolError, "the first frame must be hello");
    }
  }

  #dispatchNotice(frame: ClientFrame): void {
    const handler = this.#handler;
    if (frame.type === "credit") handler.onCredit(frame);
    else if (frame.type === "cancel") handler.onCancelRequest(frame);
    else if (frame.type === "unsubscribe") handler.onUnsubscribe(frame);
    else if (frame.type === "unwatch") handler.onUnwatch(frame);
    else if (frame.type === "seen") handler.onSeen(frame);
    else if (frame.type === "ping") this.#sendFrame({ type: "pong" });
  }

  /** Marks a request as answered. Returns false if it is not open. */
  #settle(id: number): boolean {
    if (this.#state === "closed") return false;
    if (id === this.#current) {
      this.#current = 0;
      return true;
    }
    const bytes = this.#open?.get(id);
    if (bytes === undefined) return false;
    this.#openBytes -= bytes;
    this.#open!.delete(id);
    if (this.#open!.size === 0) this.#open = undefined;
    return true;
  }

  /** Sends an answer, or the error with the `kept` fields instead if it is too big for the client. */
  #sendAnswer(id: number, message: string | Uint8Array, kept?: Partial<ErrorFields>): void {
    const error = this.errorIfTooBig(message);
    this.#handler.send(
      error === undefined ? message : encodeFrame({ type: "error", id, ...error, ...kept }),
    );
  }

  #sendFrame(frame: ServerFrame, bytes?: Uint8Array): void {
    this.#handler.send(encodeFrame(frame, bytes));
  }
}

/** Decodes a frame. Bytes become its data, or its input. @throws SyntaxError if it is not JSON */
function read(message: string | Uint8Array): Fields {
  if (typeof message === "string") return JSON.parse(message) as Fields;
  const { frame, bytes } = decodeFrame(message);
  const fields = frame as Fields;
  if (fields?.type === "publish") fields.data = bytes;
  else if (fields?.type === "call" || fields?.type === "stream") fields.input = bytes;
  return fields;
}

/** @throws TypeError or RangeError if JSON cannot express the output */
function encodeOutput(id: number, output: unknown): string | Uint8Array {
  if (output instanceof Uint8Array) return encodeFrame({ type: "result", id }, output);
  const text = JSON.stringify(output) as string | undefined;
  return text === undefined
    ? `{"type":"result","id":${id}}`
    : `{"type":"result","id":${id},"output":${text}}`;
}
