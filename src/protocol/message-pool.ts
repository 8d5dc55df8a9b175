import { ArrayViews } from "./array-views.ts";
import { copyMasked } from "./masking.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";

/**
 * Longer messages get separate memory, because allocating it costs little compared with copying the message.
 */
export const MAX_POOLED_BYTES = 2048;

/** Up to this size, a single pass that copies and unmasks is the fastest way. */
export const MAX_ONE_PASS_BYTES = 1024;

/**
 * If the application keeps a message, at most this much memory stays in use, however short the message is.
 */
const POOL_BYTES = 16_384;

/** Marks the buffers of a pool. */
const POOL = Symbol("memory of several messages");

/** Whether `buffer` may contain messages of several peers. */
export function isPool(buffer: ArrayBufferLike): boolean {
  return POOL in buffer;
}

/** Memory for short binary messages, which share larger buffers (bench: parse). */
export class MessagePool {
  readonly #environment: Pick<ProtocolEnvironment, "allocatePool" | "viewOf">;
  #views = new ArrayViews(new ArrayBuffer(0));
  /** Not 0, so that even the first, empty message is in a marked buffer. */
  #usedBytes = 1;

  constructor(environment: Pick<ProtocolEnvironment, "allocatePool" | "viewOf">) {
    this.#environment = environment;
  }

  /** Returns a copy of `source`, which has at most `MAX_POOLED_BYTES`. */
  copy(source: Uint8Array): Uint8Array {
    const start = this.#take(source.length);
    this.#views.bytes.set(source, start);
    return this.#viewOf(start, source.length);
  }

  /** Returns an unmasked copy of `length` bytes at `source[from]`, at most `MAX_ONE_PASS_BYTES`. */
  unmaskedCopy(source: ArrayViews, from: number, length: number, key: number): Uint8Array {
    const start = this.#take(length);
    copyMasked(source, from, this.#views, start, length, key);
    return this.#viewOf(start, length);
  }

  #viewOf(start: number, byteLength: number): Uint8Array {
    const { buffer } = this.#views;
    const { viewOf } = this.#environment;
    if (viewOf === undefined) return new Uint8Array(buffer, start, byteLength);
    return viewOf(buffer as ArrayBuffer, start, byteLength);
  }

  /** Reserves `byteLength` bytes, and returns their position. */
  #take(byteLength: number): number {
    if (this.#usedBytes + byteLength > this.#views.bytes.length) this.#refill();
    const start = this.#usedBytes;
    this.#usedBytes += (byteLength + 7) & ~7;
    return start;
  }

  #refill(): void {
    const buffer = this.#environment.allocatePool(POOL_BYTES);
    Object.defineProperty(buffer, POOL, { value: true });
    this.#views = new ArrayViews(buffer);
    this.#usedBytes = 0;
  }
}
