import { constants, deflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isPersistentZlibUsable,
  persistentZlib,
} from "../../../src/node/internals/deflate/persistent.ts";
import { createZlibCodec, oneShotZlib } from "../../../src/node/environment/deflate/zlib-codec.ts";
import type { DeflateTuning } from "../../../src/protocol/deflate/codec.ts";
import type { Inflater } from "../../../src/protocol/deflate/index.ts";
import { fromHex, toHex } from "../support.ts";

const FRESH = { windowBits: 15, takesOver: false };
const TAKING_OVER = { windowBits: 15, takesOver: true };
const PLENTY = 1 << 24;

function inflate(inflater: Inflater, deflated: Uint8Array, maxBytes: number = PLENTY): unknown {
  const inflated = inflater.inflate(deflated, 0, deflated.length, maxBytes);
  return typeof inflated === "string" ? inflated : Buffer.from(inflated).toString("latin1");
}

it("the codec uses the zlib streams of the tested runtime directly", () => {
  expect(isPersistentZlibUsable()).toBe(true);
});

describe.each([
  ["persistent streams", persistentZlib],
  ["the public one-shot functions", oneShotZlib],
])("the codec over %s", (_, streams) => {
  const codec = createZlibCodec(streams);

  it.each([
    ["RFC 7692 7.2.3.1", "f248cdc9c90700", "Hello"],
    ["RFC 7692 7.2.3.3, a block without compression", "000500faff48656c6c6f00", "Hello"],
    ["RFC 7692 7.2.3.4, a block with BFINAL", "f348cdc9c9070000", "Hello"],
    ["RFC 7692 7.2.3.4, without a block after it", "f348cdc9c90700", "Hello"],
    ["RFC 7692 7.2.3.5, two blocks", "f248050000 00ffffcac9c90700", "Hello"],
    ["RFC 7692 7.2.3.6, an empty message", "00", ""],
    ["two blocks with BFINAL", "f348cdc9c90700f348cdc9c90700", "HelloHello"],
    [
      "RFC 7692 7.2.1, an empty stored final block without its last four bytes",
      "f248cdc9c907000000ffff01",
      "Hello",
    ],
  ])("inflates %s", (_example, hex, text) => {
    expect(inflate(codec.createInflater(FRESH), fromHex(hex))).toBe(text);
    expect(inflate(codec.createInflater(TAKING_OVER), fromHex(hex))).toBe(text);
  });

  it("inflates references to the previous message (RFC 7692 7.2.3.2)", () => {
    const inflater = codec.createInflater(TAKING_OVER);
    expect(inflate(inflater, fromHex("f248cdc9c90700"))).toBe("Hello");
    expect(inflate(inflater, fromHex("f200110000"))).toBe("Hello");
    expect(inflate(inflater, fromHex("f200110000"))).toBe("Hello");
  });

  it("keeps messages apart without context takeover", () => {
    const inflater = codec.createInflater(FRESH);
    expect(inflate(inflater, fromHex("f248cdc9c90700"))).toBe("Hello");
    expect(inflate(inflater, fromHex("f200110000"))).toBe("invalid");
  });

  it.each([
    ["a block of the reserved type", "07"],
    ["a stored block with a wrong length", "000500ffff48656c6c6f00"],
    ["a distance before the start", "4b04210000"],
    ["all ones", "ffffffffff"],
    ["a truncated final block", "f34800"],
  ])("reports %s as invalid and inflates the next message", (_case, hex) => {
    for (const context of [FRESH, TAKING_OVER]) {
      const inflater = codec.createInflater(context);
      expect(inflate(inflater, fromHex(hex))).toBe("invalid");
      expect(inflate(codec.createInflater(FRESH), fromHex("f248cdc9c90700"))).toBe("Hello");
    }
  });

  it("reports a message as invalid that is truncated anywhere", () => {
    const inflater = codec.createInflater(FRESH);
    expect(inflate(inflater, fromHex("f348cdc9c907")), "a last block").toBe("invalid");
    const deflated = deflateRawSync("a message of some length, of some length", {
      finishFlush: constants.Z_SYNC_FLUSH,
    }).subarray(0, -4);
    for (let length = 0; length < deflated.length; length++) {
      expect(inflate(inflater, deflated.subarray(0, length)), `${length} bytes`).toBe("invalid");
    }
    expect(inflate(inflater, deflated)).toBe("a message of some length, of some length");
  });

  it.each([0, 1, 100, 65_535, 65_536, 65_537, 1_000_000])(
    "inflates up to maxBytes %i and no byte more",
    (maxBytes) => {
      for (const context of [FRESH, TAKING_OVER]) {
        const of = (length: number) =>
          deflateRawSync(Buffer.alloc(length, "x"), { finishFlush: constants.Z_SYNC_FLUSH });
        const inflater = codec.createInflater(context);
        const whole = inflater.inflate(
          of(maxBytes).subarray(0, -4),
          0,
          of(maxBytes).length - 4,
          maxBytes,
        );
        expect(whole.length).toBe(maxBytes);
        expect(
          inflate(codec.createInflater(context), of(maxBytes + 1).subarray(0, -4), maxBytes),
        ).toBe("too-big");
      }
    },
  );

  it("stops inflating a zip bomb at the limit", () => {
    const bomb = deflateRawSync(Buffer.alloc(1 << 28), { finishFlush: constants.Z_SYNC_FLUSH });
    for (const context of [FRESH, TAKING_OVER]) {
      const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
      expect(inflate(codec.createInflater(context), bomb, 1 << 20)).toBe("too-big");
      const after = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
      expect(after - before).toBeLessThan(1 << 24);
    }
    expect(inflate(codec.createInflater(FRESH), fromHex("f248cdc9c90700"))).toBe("Hello");
  });

  it("inflates what it deflated, for any data and any use of the context", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 9, max: 15 }),
        fc.boolean(),
        fc.integer({ min: -1, max: 9 }),
        fc.option(
          fc.record(
            {
              memoryLevel: fc.integer({ min: 1, max: 9 }),
              strategy: fc.integer({ min: 0, max: 4 }),
            },
            { requiredKeys: [] },
          ),
          { nil: undefined },
        ),
        fc.array(message(), { minLength: 1, maxLength: 6 }),
        (windowBits, takesOver, level, tuning, messages) => {
          const deflater = codec.createDeflater({ windowBits, takesOver }, level, tuning);
          const inflater = codec.createInflater({ windowBits, takesOver });
          for (const bytes of messages) {
            const deflated = Buffer.from(deflater.deflate(bytes));
            const inflated = inflater.inflate(deflated, 0, deflated.length, PLENTY);
            expect(toHex(inflated as Uint8Array)).toBe(toHex(bytes));
          }
          deflater.close();
          inflater.close();
        },
      ),
      { numRuns: 200 },
    );
  });

  it("uses the context with context takeover", () => {
    const text = Buffer.from("what was said before need not be said again");
    const taking = codec.createDeflater(TAKING_OVER, 6);
    const fresh = codec.createDeflater(FRESH, 6);
    const first = taking.deflate(text).length;
    expect(taking.deflate(text).length).toBeLessThan(first / 3);
    expect(fresh.deflate(text).length).toBe(fresh.deflate(text).length);
    expect(fresh.deflate(text).length).toBe(first);
  });

  it("shares a compressor only between connections with the same tuning", () => {
    const text = Buffer.from("again and again and again ".repeat(40));
    const lengthWith = (tuning?: DeflateTuning): number =>
      codec.createDeflater(FRESH, 6, tuning).deflate(text).length;
    const huffmanOnly = { strategy: constants.Z_HUFFMAN_ONLY };
    expect(lengthWith(huffmanOnly)).toBeGreaterThan(2 * lengthWith());
    expect(lengthWith(huffmanOnly)).toBe(lengthWith(huffmanOnly));
    expect(lengthWith({ memoryLevel: 9 })).toBe(lengthWith());
  });

  it("stays within its window", () => {
    const noise = Buffer.from(Uint8Array.from({ length: 1024 }, (_x, at) => (at * at * 31) >> 3));
    const twice = Buffer.concat([noise, noise]);
    const narrow = codec.createDeflater({ windowBits: 9, takesOver: false }, 9);
    const deflated = Buffer.from(narrow.deflate(twice));
    const inflater = codec.createInflater({ windowBits: 9, takesOver: true });
    expect(inflate(inflater, deflated)).toBe(twice.toString("latin1"));
  });

  it("deflates and inflates data longer than any of its buffers", () => {
    const bytes = Buffer.alloc(3_000_000);
    for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 2_654_435_761) >>> 24;
    const deflated = Buffer.from(codec.createDeflater(FRESH, 1).deflate(bytes));
    const inflated = codec.createInflater(FRESH).inflate(deflated, 0, deflated.length, PLENTY);
    expect(bytes.equals(inflated as Uint8Array)).toBe(true);
  });
});

/** Repetitive bytes and random bytes. */
function message(): fc.Arbitrary<Uint8Array> {
  const noise = fc.uint8Array({ minLength: 1, maxLength: 3000 });
  const text = fc
    .array(fc.constantFrom("tide", "way", " ", "message", '{"type":"', "é", "\0"), {
      minLength: 1,
      maxLength: 2000,
    })
    .map((words) => new Uint8Array(Buffer.from(words.join(""))));
  return fc.oneof(noise, text);
}
