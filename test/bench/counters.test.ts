import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteCounter, FrameCounter, type MessageCounter } from "../../bench/src/load/counters.ts";
import { maskedFrame, serverFrame, serverFrameBytes } from "../../bench/src/load/frames.ts";

const BINARY = 0x82;
const TEXT = 0x81;

describe("the message counters of the bench", () => {
  it.each([
    ["a server's", false, serverFrame],
    ["a client's masked", true, maskedFrame],
  ])("count each of %s frames once, wherever the bytes are split", (_, isMasked, frame) => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }),
        (payloadBytes, count, cuts) => {
          const stream = Buffer.concat(
            Array(count).fill(frame(BINARY, Buffer.alloc(payloadBytes))),
          );
          const counter = new FrameCounter({ firstByte: BINARY, payloadBytes, isMasked });
          expect(countInPieces(counter, stream, cuts)).toBe(count);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("count one message for each server frame's length of plain bytes", () => {
    for (const payloadBytes of [0, 125, 126, 65_535, 65_536]) {
      const frame = serverFrame(BINARY, Buffer.alloc(payloadBytes));
      const stream = Buffer.concat([frame, frame, frame]);
      const counter = new ByteCounter(serverFrameBytes(payloadBytes));
      expect(countInPieces(counter, stream, [1, 1000])).toBe(3);
    }
  });

  it("count frames with headers that arrive byte by byte", () => {
    const frame = serverFrame(TEXT, Buffer.alloc(126));
    const counter = new FrameCounter({ firstByte: TEXT, payloadBytes: 126, isMasked: false });
    expect(countInPieces(counter, Buffer.concat([frame, frame]), [1])).toBe(2);
  });

  it("accept frames of any length if the length is unknown", () => {
    const frames = [3, 200, 70_000].map((length) => serverFrame(0xc1, Buffer.alloc(length)));
    const counter = new FrameCounter({
      firstByte: 0xc1,
      payloadBytes: undefined,
      isMasked: false,
    });
    expect(countInPieces(counter, Buffer.concat(frames), [1000])).toBe(3);
  });

  it.each([
    ["with another length", serverFrame(BINARY, Buffer.alloc(124))],
    ["of another kind", serverFrame(TEXT, Buffer.alloc(125))],
    ["that is compressed", serverFrame(0xc2, Buffer.alloc(125))],
    ["that is a fragment", serverFrame(0x02, Buffer.alloc(125))],
    ["that is a Close frame", serverFrame(0x88, Buffer.alloc(0))],
    ["that is masked", maskedFrame(BINARY, Buffer.alloc(125))],
  ])("throw for an unexpected frame %s", (_, frame) => {
    const counter = new FrameCounter({ firstByte: BINARY, payloadBytes: 125, isMasked: false });
    expect(() => counter.count(frame, 0, frame.length)).toThrow("the unexpected header");
  });
});

/** Feeds the stream in pieces of the lengths `cuts`, repeatedly. */
function countInPieces(counter: MessageCounter, stream: Buffer, cuts: readonly number[]): number {
  let messages = 0;
  for (let at = 0, piece = 0; at < stream.length; piece++) {
    const end = Math.min(stream.length, at + cuts[piece % cuts.length]);
    messages += counter.count(stream, at, end);
    at = end;
  }
  return messages;
}
