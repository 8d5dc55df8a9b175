import { constants, deflateRawSync } from "node:zlib";
import * as fc from "fast-check";

const text = fc.oneof(
  fc
    .array(fc.constantFrom("Hello", "tideway ", "a", "aaaaaaaaaaaaaaaa", "\u0000", "\u20ac"), {
      maxLength: 40,
    })
    .map((words) => Buffer.from(words.join(""))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(255))
    .map(([length, byte]) => Buffer.alloc(length, byte)),
);

/** With any strategy and level, ended as in RFC 7692 7.2.1 or 7.2.3.4. */
export const compressedBytes: fc.Arbitrary<Uint8Array> = fc
  .record({
    source: text,
    level: fc.integer({ min: 0, max: 9 }),
    strategy: fc.constantFrom(
      constants.Z_DEFAULT_STRATEGY,
      constants.Z_FIXED,
      constants.Z_HUFFMAN_ONLY,
    ),
    isLast: fc.oneof(
      { weight: 4, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  })
  .map(({ source, level, strategy, isLast }) => {
    if (isLast) return Uint8Array.from([...deflateRawSync(source, { level, strategy }), 0]);
    const options = { level, strategy, finishFlush: constants.Z_SYNC_FLUSH };
    return Uint8Array.from(deflateRawSync(source, options).subarray(0, -4));
  });
