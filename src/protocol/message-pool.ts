import { ArrayViews } from "./array-views.ts";
import { copyMasked } from "./masking.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";

/** Longer messages get separate memory: allocating it costs little compared with copying them. */
export const MAX_POOLED_BYTES = 2048;

/** Up to this length, one pass that copies and unmasks is the fastest. */
export const MAX_ONE_PASS_BYTES = 1024;

/** A message that the application keeps holds at most this much memory, however short it is. */
const POOL_BYTES = 16_384;

/** Marks the memory of a pool. */
const POOL = Symbol("memory of several messages");

/** Whether `buffer` may hold messages of several peers. */
export function isPool(buffer: ArrayBufferLike): boolean {
  return POOL in buffer;
}

/** Memory for short binary messages, which are cut out of larger pieces (bench: parse). */
export class MessagePool {
  readonly #environment: Pick<ProtocolEnvironment, "allocatePool">;
  #views = new ArrayViews(new ArrayBuffer(0));
  /** Not 0, so that even an empty message gets memory that is marked. */
  #usedBytes = 1;

  constructor(environment: Pick<ProtocolEnvironment, "allocatePool">) {
    this.#environment = environment;
  }

  /** Returns a copy of `source`, which has at most `MAX_POOLED_BYTES`. */
  copy(source: Uint8Array): Uint8Array {
    const start = this.#take(source.length);
    this.#views.bytes.set(source, start);
    return new Uint8Array(this.#views.buffer, start, source.length);
  }

  /** Returns an unmasked copy of `length` bytes at `source[from]`, at most `MAX_ONE_PASS_BYTES`. */
  unmaskedCopy(source: ArrayViews, from: number, length: number, key: number): Uint8Array {
    const start = this.#take(length);
    copyMasked(source, from, this.#views, start, length, key);
    return new Uint8Array(this.#views.buffer, start, length);
  }

  /** Takes `byteLength` bytes, and returns where they begin. */
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
