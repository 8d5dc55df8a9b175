import { expect, it } from "vitest";
import { SlabPool } from "../../src/connection/slab-pool.ts";

function poolOf(): { pool: SlabPool; allocated: number[] } {
  const allocated: number[] = [];
  const pool = new SlabPool((byteLength) => {
    allocated.push(byteLength);
    return new Uint8Array(byteLength);
  });
  return { pool, allocated };
}

it.each([
  [1, 4096],
  [4096, 4096],
  [4097, 16_384],
  [16_385, 81_920],
  [81_921, 294_912],
  [294_913, 1_114_112],
  [1_114_112, 1_114_112],
  [1_114_113, 1_114_113],
])("a request for %i bytes gets a buffer of %i bytes", (minBytes, byteLength) => {
  expect(poolOf().pool.take(minBytes)).toHaveLength(byteLength);
});

it("a SlabPool gives a returned buffer to the next request that fits into it", () => {
  const { pool, allocated } = poolOf();
  const buffer = pool.take(5000);
  pool.give(buffer);
  const small = pool.take(100);
  expect(pool.take(10_000) === buffer).toBe(true);
  expect(pool.take(10_000) === buffer).toBe(false);
  expect(small).toHaveLength(4096);
  expect(allocated).toEqual([16_384, 4096, 16_384]);
});

it("a SlabPool keeps at most 4 MiB of each size, and no buffer of another size", () => {
  const { pool, allocated } = poolOf();
  const taken = Array.from({ length: 1100 }, () => pool.take(4096));
  for (const buffer of taken) pool.give(buffer);
  const large = pool.take(2_000_000);
  pool.give(large);
  allocated.length = 0;
  for (let count = 0; count < 1100; count++) pool.take(4096);
  expect(allocated).toHaveLength(1100 - 1024);
  expect(pool.take(2_000_000) === large).toBe(false);
});
