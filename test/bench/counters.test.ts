import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteCounter, FrameCounter, type MessageCounter } from "../../bench/src/load/counters.ts";
import { maskedFrame, serverFrameBytes } from "../../bench/src/load/frames.ts";

describe("the bench's counting of messages", () => {
  it("counts every frame once, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }),
        (payloadBytes, count, cuts) => {
          const stream = Buffer.concat(Array(count).fill(serverFrame(2, payloadBytes)));
          expect(countInPieces(new FrameCounter(2, payloadBytes), stream, cuts)).toBe(count);
          const plain = new ByteCounter(serverFrameBytes(payloadBytes));
          expect(countInPieces(plain, stream, cuts)).toBe(count);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("counts frames whose headers come byte by byte", () => {
    const stream = Buffer.concat([serverFrame(1, 126), serverFrame(1, 126)]);
    expect(countInPieces(new FrameCounter(1, 126), stream, [1])).toBe(2);
  });

  it.each([
    ["of another length", serverFrame(2, 124)],
    ["of another kind", serverFrame(1, 125)],
    ["that is a fragment", Buffer.concat([Buffer.from([0x02, 125]), Buffer.alloc(125)])],
    ["that is a Close frame", Buffer.from([0x88, 0x00])],
  ])("throws at a frame %s, as no echo is", (_, frame) => {
    expect(() => new FrameCounter(2, 125).count(frame, 0, frame.length)).toThrow("no echo");
  });
});

/** A client's frame without its mask is a server's frame. */
function serverFrame(opcode: number, payloadBytes: number): Buffer {
  const masked = maskedFrame(opcode, Buffer.alloc(payloadBytes));
  const header = masked.subarray(0, masked.length - payloadBytes - 4);
  header[1] &= 0x7f;
  return Buffer.concat([header, Buffer.alloc(payloadBytes)]);
}

/** Feeds the stream in pieces of the lengths `cuts`, over and over. */
function countInPieces(counter: MessageCounter, stream: Buffer, cuts: readonly number[]): number {
  let messages = 0;
  for (let at = 0, piece = 0; at < stream.length; piece++) {
    const end = Math.min(stream.length, at + cuts[piece % cuts.length]);
    messages += counter.count(stream, at, end);
    at = end;
  }
  return messages;
}
