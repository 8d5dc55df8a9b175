import { checkCount, checkFunction, checkNames, invalidOption } from "../errors/check-options.ts";
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
import { isRecord } from "../errors/record.ts";

/**
 * Options of {@link createEndpoint}. If a callback throws, the connection fails with 1011, and the method
 * that was running, such as `receive`, throws the same error.
 */
export interface CreateEndpointOptions {
  /** Which end of the connection this is. A client masks its frames (RFC 6455 5.1). */
  readonly role: "client" | "server";
  /** Called with each text message, during a call of `receive` or `resume`. */
  readonly onText: (text: string) => void;
  /** Called with each binary message. The application may keep and change the bytes and their buffer. */
  readonly onBinary: (bytes: Uint8Array) => void;
  /**
   * Called once when the connection has ended: both ends sent Close frames, the peer violated the protocol,
   * or the peer's bytes ended. Write the bytes that `takeOutput` returns, then close the transport.
   */
  readonly onFinish: (record: ClosingRecord) => void;
  /** Called with the payload of each ping. The endpoint answers the ping itself (RFC 6455 5.5.2). */
  readonly onPing?: (payload: Uint8Array) => void;
  readonly onPong?: (payload: Uint8Array) => void;
  /**
   * The maximum size in bytes of a received message, over all its fragments. A larger message fails the
   * connection with 1009. Default: 1,048,576 (1 MiB).
   */
  readonly maxMessageBytes?: number;
  /**
   * The maximum payload in bytes of a data frame to send; a larger message is sent in fragments. Default:
   * messages are not fragmented.
   */
  readonly maxFrameBytes?: number;
  /** Compression, if the opening handshake agreed on it (RFC 7692); see {@link permessageDeflate}. */
  readonly compression?: { readonly agreement: DeflateAgreement; readonly codec: DeflateCodec };
  /**
   * The functions that the runtime provides. Default: plain ECMAScript functions, as
   * {@link createProtocolEnvironment} returns them.
   */
  readonly environment?: ProtocolEnvironment;
}

/** One end of an open WebSocket connection, without I/O. */
export interface WebSocketEndpoint {
  readonly state: EndpointState;
  /**
   * The number of bytes that are buffered for incomplete messages, or that arrived while the endpoint was
   * paused.
   */
  readonly bufferedBytes: number;
  /**
   * Processes the next bytes from the peer, and calls the callbacks. The bytes may be split anywhere, and may
   * be changed in place. Nothing that the peer sends makes it throw.
   *
   * @throws UsageError `INVALID_DATA` unless `chunk` is a Uint8Array
   */
  receive(chunk: Uint8Array): void;
  /**
   * Tells the endpoint that the peer's bytes have ended. If no Close frame came before, the close code is
   * 1006.
   */
  receiveEnd(): void;
  /**
   * Returns the bytes to write to the transport, or an empty array if there are none. The caller owns the
   * bytes.
   */
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
   * Starts the closing handshake (RFC 6455 7.1.2). A second call has no effect.
   *
   * @throws UsageError `INVALID_CLOSE_CODE`; `INVALID_CLOSE_REASON` above 123 bytes of UTF-8;
   *   `INVALID_DATA` if `reason` is not a string
   */
  close(code?: number, reason?: string): void;
  /**
   * Fails the connection (RFC 6455 7.1.7). The Close frame has the close code of `error`, such as 1008, and
   * its message as the reason. Has no effect once the connection is closed.
   *
   * @throws UsageError `INVALID_DATA` unless `error` is a `ProtocolError`; `INVALID_CLOSE_CODE` or
   *   `INVALID_CLOSE_REASON` if that code or reason must not be sent
   */
  fail(error: ProtocolError): void;
}

/**
 * While more than this many bytes of output wait, only the latest ping is answered, after the output has been
 * taken.
 */
const MAX_BYTES_BEFORE_PONGS = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * Creates one end of an open WebSocket connection (RFC 6455 5 to 7), without I/O or timers. Pass the peer's
 * bytes to `receive`, and write the bytes that `takeOutput` returns. Messages are passed to the callbacks.
 * The endpoint answers pings and does the closing handshake. First pass it the `rest` of the opening
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
        // Otherwise the endpoint would wait forever for this call to return.
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

/** Returns the bytes of an endpoint's output buffer, and checks the caller's arguments. */
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

/**
 * Short messages share memory. Without a copy, a caller that transfers its message would take the memory of
 * other peers' messages.
 */
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
    throw invalidOption("createEndpoint", "the argument", options, "an object of options");
  }
  checkNames("createEndpoint", options, Object.keys(NAMES));
  const { role, maxMessageBytes, maxFrameBytes, compression, environment } = options;
  if (role !== "client" && role !== "server") {
    throw invalidOption("createEndpoint", "role", role, '"client" or "server"');
  }
  for (const name of ["onText", "onBinary", "onFinish"] as const) {
    if (options[name] === undefined)
      throw invalidOption("createEndpoint", name, undefined, "a function");
    checkFunction("createEndpoint", name, options[name]);
  }
  checkFunction("createEndpoint", "onPing", options.onPing);
  checkFunction("createEndpoint", "onPong", options.onPong);
  checkCount("createEndpoint", "maxMessageBytes", maxMessageBytes);
  checkCount("createEndpoint", "maxFrameBytes", maxFrameBytes);
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
    throw invalidOption("createEndpoint", "compression", compression, expected);
  }
}

function checkBytes(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw invalidData("the bytes must be a Uint8Array", bytes);
}

function invalidData(rule: string, value: unknown): UsageError {
  return new UsageError("INVALID_DATA", `${rule}, not a value of type ${typeof value}`);
}
