import { ArrayViews } from "./array-views.ts";
import { copyMasked } from "./masking.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";

/** Longer messages get memory of their own, which costs little beside copying them. */
export const MAX_POOLED_BYTES = 2048;

/** Up to here one pass that copies and unmasks is the fastest. */
export const MAX_ONE_PASS_BYTES = 1024;

/** What a message that is kept holds at most, however short it is. */
const POOL_BYTES = 16_384;

let pool: ArrayViews = new ArrayViews(new ArrayBuffer(0));
let usedBytes = 0;

const pools = new WeakSet<ArrayBufferLike>();

/** Whether messages of several peers may be in `buffer`. */
export function isPool(buffer: ArrayBufferLike): boolean {
  return pools.has(buffer);
}

/** Takes `byteLength` bytes, at most `MAX_POOLED_BYTES`, out of the pool; returns where they begin. */
function take(byteLength: number, environment: ProtocolEnvironment): number {
  if (usedBytes + byteLength > pool.bytes.length) {
    pool = new ArrayViews(environment.allocatePool(POOL_BYTES));
    pools.add(pool.buffer);
    usedBytes = 0;
  }
  const start = usedBytes;
  usedBytes += (byteLength + 7) & ~7;
  return start;
}

/** Returns a copy of `source` in memory that is cut out of a larger piece (bench: parse). */
export function pooledCopy(source: Uint8Array, environment: ProtocolEnvironment): Uint8Array {
  const start = take(source.length, environment);
  pool.bytes.set(source, start);
  return new Uint8Array(pool.buffer, start, source.length);
}

/** As `pooledCopy`, of `length` bytes at `source[from]`, unmasked; at most `MAX_ONE_PASS_BYTES`. */
export function pooledUnmaskedCopy(
  source: ArrayViews,
  from: number,
  length: number,
  key: number,
  environment: ProtocolEnvironment,
): Uint8Array {
  const start = take(length, environment);
  copyMasked(source, from, pool, start, length, key);
  return new Uint8Array(pool.buffer, start, length);
}
