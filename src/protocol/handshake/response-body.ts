import { type HeaderFields, listElements } from "./header-fields.ts";

/** The maximum length of a chunk-size line, with its extensions (RFC 9112 7.1.1). */
const MAX_CHUNK_LINE_BYTES = 256;

const CR = 0x0d;
const LF = 0x0a;

/**
 * Collects the first bytes of a response body (RFC 9112 6). The body ends after its Content-Length, after its
 * last chunk, or with the connection. Never throws. A malformed body ends at the error.
 */
export class ResponseBody {
  readonly #bytes: Uint8Array;
  #length = 0;
  readonly #isChunked: boolean;
  /** The number of bytes until the end of the body, or of the current chunk. */
  #remaining: number;
  /** The received part of a chunk-size line; undefined inside a chunk. */
  #chunkLine: string | undefined;
  #isComplete: boolean;

  /**
   * @param maxBytes the number of bytes to keep, after which the body counts as complete
   */
  constructor(status: number, headers: HeaderFields, maxBytes: number) {
    this.#bytes = new Uint8Array(maxBytes);
    const codings = listElements(headers.all("transfer-encoding"));
    this.#isChunked = codings.at(-1)?.toLowerCase() === "chunked";
    this.#chunkLine = this.#isChunked ? "" : undefined;
    this.#remaining = this.#isChunked ? 0 : contentLength(headers);
    this.#isComplete = status === 204 || status === 304 || (!this.#isChunked && !this.#remaining);
  }

  /** Whether no more bytes are needed. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The collected bytes, as a view that is valid until the next call of `receive`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Processes the next bytes of the connection. */
  receive(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && !this.#isComplete) {
      if (this.#chunkLine === undefined) offset = this.#takeData(chunk, offset);
      else this.#takeChunkLine(chunk[offset++], this.#chunkLine);
    }
  }

  #takeData(chunk: Uint8Array, offset: number): number {
    const room = Math.min(this.#remaining, this.#bytes.length - this.#length);
    const data = chunk.subarray(offset, offset + room);
    this.#bytes.set(data, this.#length);
    this.#length += data.length;
    this.#remaining -= data.length;
    if (this.#length === this.#bytes.length) this.#isComplete = true;
    else if (this.#remaining === 0) this.#endData();
    return offset + data.length;
  }

  #endData(): void {
    if (this.#isChunked) this.#chunkLine = "";
    else this.#isComplete = true;
  }

  /** Reads chunk-size [ chunk-ext ] CRLF, and before it the CRLF that ends the data of the previous chunk. */
  #takeChunkLine(byte: number, line: string): void {
    if (byte === CR || (byte === LF && line === "")) return;
    if (byte !== LF) {
      this.#chunkLine = line + String.fromCharCode(byte);
      if (line.length === MAX_CHUNK_LINE_BYTES) this.#isComplete = true;
      return;
    }
    const size = /^[0-9A-Fa-f]{1,8}(?=[ \t]*(?:;|$))/.exec(line)?.[0];
    this.#remaining = Number.parseInt(size ?? "0", 16);
    if (this.#remaining === 0) this.#isComplete = true;
    else this.#chunkLine = undefined;
  }
}

/**
 * Returns the length of the body. Without a valid Content-Length it is infinite, because the body then ends
 * with the connection.
 */
function contentLength(headers: HeaderFields): number {
  const value = headers.single("content-length") ?? "";
  return /^\d{1,15}$/.test(value) ? Number(value) : Infinity;
}
