import { constants, type Http2Stream } from "node:http2";
import type { ByteTransport, ByteTransportHandler } from "../../connection/byte-transport.ts";
import { ByteAccumulator } from "../requests/byte-accumulator.ts";
import { cancelStream, endStream } from "./close-stream.ts";

/**
 * How many bytes may be on their way without holding anybody up, in copies: what the kernel's buffer
 * is to a TCP socket. Without it each write would seem to have had to wait.
 */
const SEND_BUFFER_BYTES = 16_384;

/**
 * A byte transport over a stream of HTTP/2 whose response has been sent. Ending it is END_STREAM, and
 * what resets a TCP connection is RST_STREAM with CANCEL (RFC 8441 5).
 */
export class StreamTransport implements ByteTransport {
  readonly #stream: Http2Stream;
  readonly #held = new ByteAccumulator();
  #handler: ByteTransportHandler | undefined;
  #error: Error | undefined;
  #isClosed = false;
  #isPaused = false;
  #isDropped = false;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
    // From here on an error has a listener, whether or not anybody has started the transport.
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

  // What the stream has taken it reads from until the peer's window has let it through.
  write(bytes: Uint8Array): boolean {
    const stream = this.#stream;
    if (!stream.writable) return true;
    if (stream.writableLength + bytes.length <= SEND_BUFFER_BYTES) {
      stream.write(Uint8Array.from(bytes));
      return true;
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
    if (this.#held.length > 0) this.#stream.push(this.#held.take());
    // A stream that flows without a listener loses what it reads.
    if (this.#handler !== undefined) this.#stream.resume();
  }

  // Some clients, such as undici 7, never end their side of the stream. The closing handshake is done,
  // so the stream can be reset at once.
  end(): void {
    this.#stream.end();
    endStream(this.#stream);
  }

  destroy(): void {
    this.#isDropped = true;
    cancelStream(this.#stream);
    // The stream closes only after its reset has been sent, which needs a client that reads.
    process.nextTick(this.#onClosed);
  }

  readonly #onClosed = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#held.take();
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onClosed(this.#closeError());
  };

  readonly #onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) this.#handler?.onDrain();
  };

  #receiveEnd(): void {
    // A stream that has been reset ends too; that it is over is told by its 'close'.
    if (this.#stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#handler?.onEnd();
  }

  #closeError(): Error | undefined {
    const { rstCode } = this.#stream;
    if (this.#isDropped || this.#error !== undefined || rstCode === constants.NGHTTP2_NO_ERROR) {
      return this.#error;
    }
    return new Error(`the stream was reset with the code ${rstCode}`);
  }

  /**
   * A paused stream is sent as much as its window holds, which may be tens of thousands of frames of
   * a byte each. Node pushes each into the stream's queue, where it takes a hundred bytes.
   */
  #holdWhilePaused(): void {
    const stream = this.#stream;
    const push = stream.push.bind(stream);
    stream.push = (chunk: Uint8Array | null, ...rest) => {
      // Below its high-water mark the stream goes on reading, paused or not.
      const isFull = stream.readableLength >= stream.readableHighWaterMark;
      if (!this.#isPaused || (chunk !== null && !isFull)) return push(chunk, ...rest);
      if (chunk !== null) {
        this.#held.append(chunk);
        return false;
      }
      if (this.#held.length > 0) push(this.#held.take());
      return push(null);
    };
  }
}
