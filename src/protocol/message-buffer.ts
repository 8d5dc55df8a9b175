import type { Platform } from "./platform.ts";

/** Up to here the length that a frame declares is allocated at once; above, as bytes come. */
const MAX_TRUSTED_BYTES = 1 << 16;

const EMPTY = new Uint8Array(0);

/**
 * The payload of a message that comes in parts, in one growing array: what is held is bounded by
 * twice what has come or by 64 KiB, however many chunks or fragments brought it.
 */
export class MessageBuffer {
  /** Filled up to `length`. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /** Appends `chunk[start, end)`; `expectedBytes` is the length known to be coming in all. */
  append(chunk: Uint8Array, start: number, end: number, expectedBytes: number): void {
    if (start === end) return;
    const length = this.length + end - start;
    if (length > this.bytes.length) this.#grow(length, expectedBytes);
    const isAll = start === 0 && end === chunk.length;
    this.bytes.set(isAll ? chunk : chunk.subarray(start, end), this.length);
    this.length = length;
  }

  /** Hands over the bytes, without much unused memory behind them. */
  release(): Uint8Array {
    const { bytes, length } = this;
    if (bytes.length === length) return bytes;
    if (bytes.length < length * 1.5) return bytes.subarray(0, length);
    const exact = this.#platform.allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  #grow(neededBytes: number, expectedBytes: number): void {
    const doubled = Math.max(neededBytes, this.bytes.length * 2);
    // A declared length costs the peer nothing, so a large one is not allocated on its word.
    const capacity =
      expectedBytes <= MAX_TRUSTED_BYTES
        ? Math.max(expectedBytes, this.length === 0 ? 0 : doubled)
        : Math.max(neededBytes, Math.min(expectedBytes, Math.max(doubled, MAX_TRUSTED_BYTES)));
    const larger = this.#platform.allocate(capacity);
    if (this.length > 0) larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
