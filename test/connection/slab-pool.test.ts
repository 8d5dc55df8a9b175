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

/** Takes buffers, and gives them back after all have been taken. */
function use(pool: SlabPool, count: number, minBytes: number): void {
  const taken = Array.from({ length: count }, () => pool.take(minBytes));
  for (const buffer of taken) pool.give(buffer);
}

it("a SlabPool keeps at most 32 MiB", () => {
  const { pool, allocated } = poolOf();
  use(pool, 2100, 16_384);
  allocated.length = 0;
  use(pool, 2100, 16_384);
  expect(allocated).toHaveLength(2100 - 2048);
});

it("a full SlabPool discards buffers of the size that takes the most memory", () => {
  const { pool, allocated } = poolOf();
  use(pool, 10, 81_920);
  use(pool, 2048, 16_384);
  use(pool, 30, 294_912);
  allocated.length = 0;
  use(pool, 10, 81_920);
  use(pool, 30, 294_912);
  expect(allocated).toEqual([]);
  use(pool, 2048, 16_384);
  // 32 MiB have room for 1,458 of these besides the larger buffers.
  expect(allocated).toHaveLength(2048 - 1458);
});

it("a SlabPool keeps no buffer of another size", () => {
  const { pool } = poolOf();
  const large = pool.take(2_000_000);
  pool.give(large);
  expect(pool.take(2_000_000) === large).toBe(false);
});
