import type { ByteBudget } from "./byte-budget.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import type { Utf8Validator } from "./utf8.ts";

/**
 * Up to this size, the length that a frame declares is allocated at once. For a larger length, the buffer
 * grows as bytes arrive.
 */
const MAX_TRUSTED_BYTES = 1 << 16;

const EMPTY = new Uint8Array(0);

/**
 * Collects the payload of a message that arrives in parts, in one growing array. Its capacity is at most 64
 * KiB or twice the number of received bytes. In a final frame, it is at most 16 times that number, and at
 * most the announced length. The capacity does not depend on the number of chunks and fragments.
 */
export class MessageBuffer {
  /** The storage. Its first `length` bytes are in use. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  /** The number of empty fragments since the last fragment with payload. */
  emptyFragments = 0;
  /** Validates the text of a text message; undefined before its first part, and for other messages. */
  utf8: Utf8Validator | undefined;
  /** The position after each fragment, if the fragments are delivered separately. */
  fragmentEnds: number[] | undefined;
  readonly #environment: ProtocolEnvironment;
  readonly #budget: ByteBudget | undefined;

  /**
   * @param budget limits the buffered bytes of several connections together; default: no such limit
   */
  constructor(environment: ProtocolEnvironment, budget?: ByteBudget) {
    this.#environment = environment;
    this.#budget = budget;
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /**
   * Appends `chunk[start, end)`. Returns false if the budget has no room for it. `expectedBytes` is the size
   * of the message that is known so far, and `isAll` says whether that is the whole message.
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

  /** Returns the bytes and resets this object. Their buffer may be larger than the message. */
  detach(): Uint8Array {
    const { bytes } = this;
    this.#budget?.give(bytes.length);
    this.bytes = EMPTY;
    return bytes.subarray(0, this.length);
  }

  /** Returns the bytes, in a buffer with little unused memory, or with none if `isAlone`. */
  release(isAlone = false): Uint8Array {
    const { bytes, length } = this;
    this.detach();
    if (length === 0) return this.#environment.allocate(0);
    if (bytes.length === length) return bytes;
    if (!isAlone && bytes.length < length * 1.5) return bytes.subarray(0, length);
    const exact = this.#environment.allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  #grow(neededBytes: number, expectedBytes: number, isAll: boolean): boolean {
    // A peer can declare a large length at no cost, so a large length is not allocated before its bytes
    // arrive.
    const trusted = Math.max(neededBytes, Math.min(expectedBytes, MAX_TRUSTED_BYTES));
    // Growing by a factor keeps the copying linear in the size of the message, for any number of fragments.
    // If the length is known, the steps are larger, so that a message of up to 1 MiB is copied only once.
    // Memory that has not been written to is not in use yet.
    const grown = Math.max(trusted, this.bytes.length * (isAll ? 16 : 2));
    const capacity = isAll ? Math.min(grown, expectedBytes) : grown;
    if (this.#budget?.take(capacity - this.bytes.length) === false) return false;
    const larger = this.#environment.allocate(capacity);
    if (this.length > 0) larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    return true;
  }
}
