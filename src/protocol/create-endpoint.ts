import { ProtocolError, UsageError } from "../errors/index.ts";
import { CloseCode } from "./close-code.ts";
import { checkEnvironment, defaultEnvironment } from "./default-environment.ts";
import type { DeflateCodec } from "./deflate/codec.ts";
import type { DeflateAgreement } from "./deflate/negotiation.ts";
import { Endpoint, type ClosingRecord, type EndpointState } from "./endpoint.ts";
import { type EndpointEnvironment, withSharedBuffers } from "./endpoint-environment.ts";
import { isPool } from "./message-pool.ts";
import { type BufferPool, OutputBuffer } from "./output-buffer.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import { isRecord } from "./record.ts";

/**
 * Options of {@link createEndpoint}. If a callback throws, the connection fails with 1011, and the method
 * that was running, such as `receive`, throws the same error.
 */
export interface CreateEndpointOptions {
  /** Which end of the connection this is. A client masks its frames (RFC 6455 5.1). */
  readonly role: "client" | "server";
  /** A text message arrived. Like all callbacks, it is called while `receive` runs. */
  readonly onText: (text: string) => void;
  /** A binary message arrived. The bytes and their buffer are yours. */
  readonly onBinary: (bytes: Uint8Array) => void;
  /**
   * The connection is over: both ends sent Close frames, the peer broke the protocol, or the bytes
   * ended. Write what `takeOutput` returns, then close the transport.
   */
  readonly onFinish: (record: ClosingRecord) => void;
  /** A ping arrived; the endpoint answers it (RFC 6455 5.5.2). */
  readonly onPing?: (payload: Uint8Array) => void;
  readonly onPong?: (payload: Uint8Array) => void;
  /** The largest message to accept, in bytes over all its fragments; a larger one fails with 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** The largest payload of a data frame to send, in bytes. Default: messages are not fragmented. */
  readonly maxFrameBytes?: number;
  /** Compression, if the opening handshake agreed on it (RFC 7692); see {@link permessageDeflate}. */
  readonly compression?: { readonly agreement: DeflateAgreement; readonly codec: DeflateCodec };
  /** Default: plain ECMAScript, as {@link createProtocolEnvironment} makes it. */
  readonly environment?: ProtocolEnvironment;
}

/** One end of an open WebSocket connection, without I/O. */
export interface WebSocketEndpoint {
  readonly state: EndpointState;
  /** Bytes buffered for messages that are not complete, and bytes that arrived while paused. */
  readonly bufferedBytes: number;
  /**
   * Processes the next bytes from the peer, which may be split anywhere, and calls the callbacks. It may
   * change the bytes in place. Nothing that the peer sends makes it throw.
   *
   * @throws UsageError `INVALID_DATA` unless `chunk` is a Uint8Array
   */
  receive(chunk: Uint8Array): void;
  /** Reports the end of the peer's bytes. Without a Close frame before it, the close code is 1006. */
  receiveEnd(): void;
  /** Returns the bytes to write to the transport, which are yours; empty if there are none. */
  takeOutput(): Uint8Array;
  /** Stops callbacks before the next frame. The caller should stop reading too. */
  pause(): void;
  /** Resumes callbacks, first for the bytes that arrived while paused. */
  resume(): void;
  /**
   * Sends a text message; lone surrogates become U+FFFD.
   *
   * @throws UsageError `NOT_OPEN` unless the state is `open`; `INVALID_DATA` if `text` is not a string
   */
  sendText(text: string): void;
  /**
   * Copies and sends a binary message.
   *
   * @throws UsageError `NOT_OPEN` unless the state is `open`; `INVALID_DATA` if it is not a Uint8Array
   */
  sendBinary(bytes: Uint8Array): void;
  /**
   * Sends a ping (RFC 6455 5.5.2). Default: without payload.
   *
   * @throws UsageError `NOT_OPEN`; `CONTROL_TOO_BIG` above 125 bytes; `INVALID_DATA`
   */
  ping(payload?: Uint8Array): void;
  /**
   * Starts the closing handshake (RFC 6455 7.1.2). Without effect once it has begun.
   *
   * @throws UsageError `INVALID_CLOSE_CODE`; `CLOSE_REASON_TOO_BIG` above 123 bytes of UTF-8;
   *   `INVALID_DATA` if `reason` is not a string
   */
  close(code?: number, reason?: string): void;
  /**
   * Fails the connection (RFC 6455 7.1.7). The Close frame has the close code of `error`, such as 1008,
   * and its message as the reason. Without effect once the connection is closed.
   *
   * @throws UsageError `INVALID_DATA` unless `error` is a `ProtocolError`; `INVALID_CLOSE_CODE` or
   *   `CLOSE_REASON_TOO_BIG` if that code or reason must not be sent
   */
  fail(error: ProtocolError): void;
}

/** While more bytes of output wait, only the latest ping is answered, once the output was taken. */
const MAX_BYTES_BEFORE_PONGS = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * Creates one end of an open WebSocket connection (RFC 6455 5 to 7), without I/O or timers. Bytes of
 * the peer go in by `receive`, bytes for the peer come out of `takeOutput`, and messages come as
 * callbacks. It answers pings and does the closing handshake. First pass it the `rest` of the opening
 * handshake, which may contain frames.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function createEndpoint(options: CreateEndpointOptions): WebSocketEndpoint {
  checkOptions(options);
  const { environment = defaultEnvironment, compression: deflate, ...rest } = options;
  const output = new OutputBuffer(poolOf(environment));
  const { onPing = ignore, onPong = ignore, onText, onBinary, onFinish } = options;
  const failing = <T>(callback: (value: T) => void) => {
    return (value: T): void => {
      try {
        callback(value);
      } catch (cause) {
        // Otherwise the endpoint would wait for a call that never returns.
        endpoint.fail(callbackFailed(cause));
        throw cause;
      }
    };
  };
  const endpoint = new Endpoint({ ...rest, deflate }, shared(environment), output, {
    onText: failing(onText),
    onBinary: failing((bytes) => onBinary(owned(bytes))),
    onPing: failing(onPing),
    onPong: failing(onPong),
    onFinish,
  });
  return new OutputEndpoint(endpoint, output);
}

/** Hands out the bytes of an endpoint's output buffer, and checks the arguments of its caller. */
class OutputEndpoint implements WebSocketEndpoint {
  readonly #endpoint: Endpoint;
  readonly #output: OutputBuffer;

  constructor(endpoint: Endpoint, output: OutputBuffer) {
    this.#endpoint = endpoint;
    this.#output = output;
  }

  get state(): EndpointState {
    return this.#endpoint.state;
  }

  get bufferedBytes(): number {
    return this.#endpoint.bufferedBytes;
  }

  receive(chunk: Uint8Array): void {
    checkBytes(chunk);
    if (this.#output.length > MAX_BYTES_BEFORE_PONGS) this.#endpoint.defersPongs = true;
    this.#endpoint.receive(chunk);
  }

  receiveEnd(): void {
    this.#endpoint.receiveEnd();
  }

  takeOutput(): Uint8Array {
    const { length } = this.#output;
    const bytes = this.#output.detach().subarray(0, length);
    // The deferred pong is in the next output.
    this.#endpoint.defersPongs = false;
    return bytes;
  }

  pause(): void {
    this.#endpoint.pause();
  }

  resume(): void {
    this.#endpoint.resume();
  }

  sendText(text: string): void {
    if (typeof text !== "string")
      throw invalidData("sendText: a text message must be a string", text);
    this.#endpoint.sendText(text);
  }

  sendBinary(bytes: Uint8Array): void {
    checkBytes(bytes);
    this.#endpoint.sendBinary(bytes);
  }

  ping(payload: Uint8Array = NOTHING): void {
    checkBytes(payload);
    this.#endpoint.ping(payload);
  }

  close(code?: number, reason = ""): void {
    if (typeof reason !== "string") throw invalidData("close: the reason must be a string", reason);
    this.#endpoint.close(code, reason);
  }

  fail(error: ProtocolError): void {
    if (!(error instanceof ProtocolError))
      throw invalidData("fail: the error must be a ProtocolError", error);
    this.#endpoint.fail(error);
  }
}

function ignore(): void {}

/** Short messages share memory, which the caller could take away from other peers by a transfer. */
function owned(bytes: Uint8Array): Uint8Array {
  return isPool(bytes.buffer) ? bytes.slice() : bytes;
}

function callbackFailed(cause: unknown): ProtocolError {
  const closeCode = CloseCode.InternalError;
  return new ProtocolError("CALLBACK_FAILED", "the application threw an error in a callback", {
    closeCode,
    cause,
  });
}

function shared(environment: ProtocolEnvironment): EndpointEnvironment {
  return "buffers" in environment
    ? (environment as EndpointEnvironment)
    : withSharedBuffers(environment);
}

/** The caller keeps the output, so no buffer returns to the pool. */
function poolOf(environment: ProtocolEnvironment): BufferPool {
  return { take: (minBytes) => environment.allocate(minBytes), give: ignore };
}

const NAMES: Readonly<Record<keyof CreateEndpointOptions, true>> = {
  role: true,
  onText: true,
  onBinary: true,
  onFinish: true,
  onPing: true,
  onPong: true,
  maxMessageBytes: true,
  maxFrameBytes: true,
  compression: true,
  environment: true,
};

function checkOptions(options: CreateEndpointOptions): void {
  if (!isRecord<CreateEndpointOptions>(options)) {
    throw invalidOption("the argument", options, "an object of options");
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name));
  if (unknown !== undefined) {
    throw new UsageError("INVALID_OPTION", `createEndpoint: there is no option ${unknown}`);
  }
  const { role, maxMessageBytes, maxFrameBytes, compression, environment } = options;
  if (role !== "client" && role !== "server") {
    throw invalidOption("role", role, '"client" or "server"');
  }
  for (const name of ["onText", "onBinary", "onFinish"] as const) {
    if (typeof options[name] !== "function") throw invalidOption(name, options[name], "a function");
  }
  for (const name of ["onPing", "onPong"] as const) {
    const callback = options[name];
    if (callback !== undefined && typeof callback !== "function") {
      throw invalidOption(name, callback, "a function");
    }
  }
  checkLimit("maxMessageBytes", maxMessageBytes);
  checkLimit("maxFrameBytes", maxFrameBytes);
  if (compression !== undefined) checkCompression(compression);
  if (environment !== undefined) checkEnvironment(environment);
}

function checkCompression(compression: NonNullable<CreateEndpointOptions["compression"]>): void {
  const { agreement, codec } = isRecord<Partial<typeof compression>>(compression)
    ? compression
    : {};
  const parts = [agreement?.sending, agreement?.receiving, agreement?.settings];
  if (!parts.every(isRecord) || typeof codec?.createDeflater !== "function") {
    const expected = "{ agreement, codec }, with an agreement of permessageDeflate";
    throw invalidOption("compression", compression, expected);
  }
}

function checkLimit(name: string, value: number | undefined): void {
  if (value === undefined || value === Infinity) return;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalidOption(name, value, "an integer above 0, or Infinity");
  }
}

function invalidOption(name: string, value: unknown, expected: string): UsageError {
  const shown = isRecord(value) ? "an object" : String(value);
  const message = `createEndpoint: ${name} is ${shown}; it must be ${expected}`;
  return new UsageError("INVALID_OPTION", message);
}

function checkBytes(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw invalidData("the bytes must be a Uint8Array", bytes);
}

function invalidData(rule: string, value: unknown): UsageError {
  return new UsageError("INVALID_DATA", `${rule}, not a value of type ${typeof value}`);
}
