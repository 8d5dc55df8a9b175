import { constants, type Http2Stream } from "node:http2";
import { versions } from "node:process";
import type { ByteTransport, ByteTransportHandler } from "../../connection/byte-transport.ts";
import { ByteAccumulator } from "../requests/byte-accumulator.ts";
import { cancelStream, endStream } from "./close-stream.ts";

/**
 * The maximum number of unsent bytes that the stream keeps as copies before `write` returns false. It
 * corresponds to the kernel's send buffer of a TCP socket. Without such a buffer, every write would return
 * false.
 */
const SEND_BUFFER_BYTES = 16_384;

/**
 * When a client disconnects during a write, Node.js 20 may deliver the last chunk again: the same part of the same
 * buffer. Two different chunks never share it. Later versions of Node.js do not repeat chunks.
 */
const REPEATS_CHUNKS = Number(versions.node.split(".", 1)[0]) < 22;

/**
 * A byte transport over a stream of HTTP/2, after its response has been sent. `end` sends END_STREAM, and
 * `destroy` resets the stream with CANCEL, the counterpart of a TCP reset (RFC 8441 5).
 */
export class StreamTransport implements ByteTransport {
  readonly #stream: Http2Stream;
  readonly #pending = new ByteAccumulator();
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isClosed = false;
  #isPaused = false;
  #isDropped = false;
  /** The buffer of the last chunk, weakly because an idle stream would keep it, and the offset in it. */
  #lastBuffer: WeakRef<ArrayBufferLike> | undefined;
  #lastOffset = 0;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
    // An error before `start` must have a listener too.
    stream.on("error", (error) => {
      this.#error ??= error;
    });
    stream.once("close", this.#onClosed);
    this.#holdWhilePaused();
  }

  start(handler: ByteTransportHandler): void {
    this.#handler = handler;
    if (this.#isClosed) {
      process.nextTick(() => handler.onClosed(this.#closeError()));
      return;
    }
    this.#stream.on("data", (chunk: Uint8Array) => this.#handler?.onBytes(chunk));
    this.#stream.once("end", () => this.#receiveEnd());
    this.resume();
  }

  // The stream reads from the bytes of a pending write until the client's flow-control window has room for
  // them.
  write(bytes: Uint8Array): boolean {
    const stream = this.#stream;
    if (!stream.writable) return false;
    if (stream.writableLength + bytes.length <= SEND_BUFFER_BYTES) {
      stream.write(Uint8Array.from(bytes));
      // A write that fails at once makes the stream unwritable.
      return stream.writable;
    }
    stream.write(bytes, this.#onWritten);
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#pending.length > 0) this.#stream.push(this.#pending.take());
    // A stream that flows without a 'data' listener loses the bytes that it reads.
    if (this.#handler !== undefined) this.#stream.resume();
  }

  // Some clients, such as undici 7, never end their side of the stream. The closing handshake is complete, so
  // the stream can be reset at once.
  end(): void {
    this.#stream.end();
    endStream(this.#stream);
  }

  destroy(): void {
    this.#isDropped = true;
    cancelStream(this.#stream);
    // The stream closes only after its reset has been sent. That never happens if the client does not read.
    process.nextTick(this.#onClosed);
  }

  readonly #onClosed = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending.take();
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onClosed(this.#closeError());
  };

  readonly #onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) this.#handler?.onDrain();
  };

  #receiveEnd(): void {
    // A reset stream also emits 'end'. Its 'close' reports the end of the connection.
    if (this.#stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#handler?.onEnd();
  }

  #closeError(): Error | undefined {
    const { rstCode } = this.#stream;
    if (this.#isDropped || this.#error !== undefined || rstCode === constants.NGHTTP2_NO_ERROR) {
      return this.#error;
    }
    // The code of Node.js for this error. The debug log shows only messages of errors with a code.
    const code = "ERR_HTTP2_STREAM_ERROR";
    return Object.assign(new Error(`the stream was reset with the code ${rstCode}`), { code });
  }

  /**
   * Joins the bytes that arrive while the stream is paused. A client may fill the window with tens of thousands
   * of one-byte frames, and Node.js would queue each one in a chunk of a hundred bytes.
   */
  #holdWhilePaused(): void {
    const stream = this.#stream;
    const push = stream.push.bind(stream);
    stream.push = (chunk: Uint8Array | null, ...rest) => {
      if (REPEATS_CHUNKS && chunk !== null && this.#isRepeated(chunk)) return true;
      // Below its high-water mark the stream continues to read even if it is paused.
      const isFull = stream.readableLength >= stream.readableHighWaterMark;
      if (!this.#isPaused || (chunk !== null && !isFull)) return push(chunk, ...rest);
      if (chunk !== null) {
        this.#pending.append(chunk);
        return false;
      }
      if (this.#pending.length > 0) push(this.#pending.take());
      return push(null);
    };
  }
  #isRepeated({ buffer, byteOffset }: Uint8Array): boolean {
    if (this.#lastOffset === byteOffset && this.#lastBuffer?.deref() === buffer) return true;
    this.#lastBuffer = new WeakRef(buffer);
    this.#lastOffset = byteOffset;
    return false;
  }
}
