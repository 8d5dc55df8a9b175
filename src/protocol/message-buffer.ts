import type { ByteBudget } from "./byte-budget.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import type { Utf8Validator } from "./utf8.ts";

/**
 * Up to this length, the length that a frame declares is allocated at once. Above, the buffer grows as
 * bytes arrive.
 */
const MAX_TRUSTED_BYTES = 1 << 16;

const EMPTY = new Uint8Array(0);

/**
 * The payload of a message that arrives in parts, in one growing array. Its capacity is at most 64 KiB
 * or twice the received bytes. In a final frame it is at most 16 times the received bytes, and at most
 * the announced length. The number of chunks and fragments does not matter.
 */
export class MessageBuffer {
  /** Filled up to `length`. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  /** Empty fragments since the last fragment with payload. */
  emptyFragments = 0;
  /** The state of the validation of text; undefined before its first part, and for other messages. */
  utf8: Utf8Validator | undefined;
  readonly #environment: ProtocolEnvironment;
  readonly #budget: ByteBudget | undefined;

  /** `budget` limits the buffered bytes of several connections; without one they are not counted. */
  constructor(environment: ProtocolEnvironment, budget?: ByteBudget) {
    this.#environment = environment;
    this.#budget = budget;
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /**
   * Appends `chunk[start, end)`; false if the budget has no room for it. `expectedBytes` is the length
   * that is known to be coming, and `isAll` whether that is the whole message.
   */
  append(
    chunk: Uint8Array,
    start: number,
    end: number,
    expectedBytes: number,
    isAll: boolean,
  ): boolean {
    if (start === end) return true;
    const length = this.length + end - start;
    if (length > this.bytes.length && !this.#grow(length, expectedBytes, isAll)) return false;
    const isWholeChunk = start === 0 && end === chunk.length;
    this.bytes.set(isWholeChunk ? chunk : chunk.subarray(start, end), this.length);
    this.length = length;
    return true;
  }

  /** Returns the bytes and resets. Their buffer may be longer than the message. */
  detach(): Uint8Array {
    const { bytes } = this;
    this.#budget?.give(bytes.length);
    this.bytes = EMPTY;
    return bytes.subarray(0, this.length);
  }

  /** Returns the bytes, with little unused memory in their buffer, or none if `isAlone`. */
  release(isAlone = false): Uint8Array {
    const { bytes, length } = this;
    this.detach();
    if (bytes.length === length) return bytes;
    if (!isAlone && bytes.length < length * 1.5) return bytes.subarray(0, length);
    const exact = this.#environment.allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  #grow(neededBytes: number, expectedBytes: number, isAll: boolean): boolean {
    // A declared length costs the peer nothing, so a large length is not allocated before bytes arrive.
    const trusted = Math.max(neededBytes, Math.min(expectedBytes, MAX_TRUSTED_BYTES));
    // Growing by a factor keeps the copying linear however many fragments come. If the length is known, the
    // steps are larger: a default-sized message is copied once, and memory that has not been written to is
    // not in use yet.
    const grown = Math.max(trusted, this.bytes.length * (isAll ? 16 : 2));
    const capacity = isAll ? Math.min(grown, expectedBytes) : grown;
    if (this.#budget?.take(capacity - this.bytes.length) === false) return false;
    const larger = this.#environment.allocate(capacity);
    if (this.length > 0) larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    return true;
  }
}
