import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type LiveRecord,
  NatsNumbering,
  type PlacedRecord,
} from "../../../src/topics/nats/nats-numbering.ts";
import { type NatsRecord, readRecord } from "../../../src/topics/nats/nats-record.ts";

const numbered = (offset: number, payload = "x"): NatsRecord =>
  readRecord(`e:${offset} ${payload}`);
const following = (offset: number, sequence: number): NatsRecord =>
  readRecord(`e:${offset}@${sequence}.tag x`);

/** Adds messages, each as `[sequence, previous, record]`, and returns `sequence: position` of each placed message. */
function addAll(
  numbering: NatsNumbering,
  messages: readonly (readonly [number, number, NatsRecord])[],
): readonly string[] {
  return messages.flatMap(([sequence, previous, record]) => {
    const placed = numbering.add({ sequence, previous, record });
    return placed === undefined
      ? ["lost"]
      : placed.map(({ sequence: at, position: { epoch, offset } }) => `${at}: ${epoch}:${offset}`);
  });
}

describe("NatsNumbering", () => {
  it("takes the position of a numbered message, and counts the messages that follow it", () => {
    const placed = addAll(new NatsNumbering(), [
      [10, 0, numbered(0, "")],
      [12, 10, following(0, 10)],
      [13, 12, following(0, 10)],
      [15, 13, { kind: "unreadable" }],
      [16, 15, numbered(4)],
      [17, 16, following(1, 12)],
    ]);
    expect(placed).toEqual(["10: e:0", "12: e:1", "13: e:2", "15: e:3", "16: e:4", "17: e:5"]);
  });

  it("counts from the anchor of the first message if that is the previous message", () => {
    expect(addAll(new NatsNumbering(), [[12, 10, following(7, 10)]])).toEqual(["12: e:8"]);
  });

  it("holds messages until the anchor of a later message shows a position, and counts both ways", () => {
    const placed = addAll(new NatsNumbering(), [
      [12, 11, following(7, 10)],
      [13, 12, following(7, 10)],
      [14, 13, following(7, 10)],
      [15, 14, following(10, 14)],
    ]);
    expect(placed).toEqual(["12: e:8", "13: e:9", "14: e:10", "15: e:11"]);
  });

  it("holds messages until a read shows the position of one of them", () => {
    const numbering = new NatsNumbering();
    const messages = [
      [12, 11, following(7, 10)],
      [13, 12, following(7, 10)],
    ] as const;
    expect(addAll(numbering, messages)).toEqual([]);
    expect(numbering.firstWaiting).toBe(12);
    const placed = numbering.place(12, { epoch: "e", offset: 9 });
    expect(placed.map(({ position }) => position.offset)).toEqual([9, 10]);
    expect(numbering.firstWaiting).toBeUndefined();
    expect(numbering.place(12, { epoch: "e", offset: 9 })).toEqual([]);
  });

  it("holds messages until a previous one is delivered, which NATS may do in another order", () => {
    const placed = addAll(new NatsNumbering(), [
      [10, 9, numbered(3)],
      [13, 12, following(3, 10)],
      [14, 13, numbered(7)],
      [12, 11, following(3, 10)],
      [11, 10, following(3, 10)],
    ]);
    expect(placed).toEqual(["10: e:3", "11: e:4", "12: e:5", "13: e:6", "14: e:7"]);
  });

  it("leaves out messages that are missing when a read shows the position of a later one", () => {
    const numbering = new NatsNumbering();
    const messages = [
      [10, 9, numbered(3)],
      [13, 12, following(3, 10)],
      [16, 15, following(3, 10)],
    ] as const;
    expect(addAll(numbering, messages)).toEqual(["10: e:3"]);
    expect([numbering.firstWaiting, numbering.hasTail]).toEqual([13, true]);
    const placed = numbering.place(13, { epoch: "e", offset: 6 });
    expect(placed.map(({ sequence }) => sequence)).toEqual([13]);
    expect(numbering.firstWaiting).toBe(16);
  });

  it("does not count back over a message that is missing", () => {
    const numbering = new NatsNumbering();
    const messages = [
      [13, 12, following(7, 9)],
      [11, 10, following(7, 9)],
    ] as const;
    expect(addAll(numbering, messages)).toEqual([]);
    const placed = numbering.place(13, { epoch: "e", offset: 10 });
    expect(placed.map(({ sequence }) => sequence)).toEqual([13]);
  });

  it("forgets what it knows when it is cleared", () => {
    const numbering = new NatsNumbering();
    addAll(numbering, [
      [10, 9, numbered(3)],
      [13, 12, following(3, 10)],
    ]);
    numbering.clear();
    expect([numbering.firstWaiting, numbering.hasTail]).toEqual([undefined, false]);
    expect(addAll(numbering, [[11, 10, following(2, 9)]])).toEqual([]);
  });

  it("reports a loss when sequence numbers are used again", () => {
    const numbering = new NatsNumbering();
    const placed = addAll(numbering, [
      [10, 9, numbered(3)],
      [11, 10, following(3, 10)],
      [11, 10, following(2, 8)],
      [11, 10, following(2, 8)],
    ]);
    expect(placed).toEqual(["10: e:3", "11: e:4", "lost", "lost"]);
    expect(numbering.firstWaiting).toBe(11);
  });

  it("begins an epoch at a message if its writer knew a message that is lost", () => {
    const placed = addAll(new NatsNumbering(), [
      [10, 9, numbered(3)],
      [11, 10, following(5, 12)],
      [12, 11, following(5, 12)],
    ]);
    expect(placed).toEqual(["10: e:3", "11: tag-11:4", "12: tag-11:5"]);
  });

  it("reports a loss instead of holding more than 4,096 messages", () => {
    const numbering = new NatsNumbering();
    addAll(numbering, [[1, 0, numbered(1)]]);
    const messages = Array.from(
      { length: 4_097 },
      (_, index) => [index + 10, index + 9, following(0, 1)] as const,
    );
    expect(addAll(numbering, messages)).toEqual(["lost"]);
    expect(numbering.firstWaiting).toBe(4_106);
  });

  it("places every message correctly and in order, even if some are missing, late or not numbered", () => {
    const step = fc.record({
      isDelivered: fc.boolean(),
      lag: fc.nat(5),
      isNumbered: fc.boolean(),
      lateness: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isComplete) => {
        const numbering = new NatsNumbering();
        const placed: number[] = [];
        const expectPlaced = (records: readonly PlacedRecord[] | undefined): void => {
          for (const { sequence, position } of records ?? []) {
            expect(position).toEqual({ epoch: "e", offset: sequence / 2 });
            expect(sequence).toBeGreaterThan(placed.at(-1) ?? 0);
            placed.push(sequence);
          }
        };
        const messages = steps.map(({ lag, isNumbered }, index): LiveRecord => {
          // The message with the offset n has the sequence number 2n.
          const [offset, anchor] = [index + 1, Math.max(0, index - lag)];
          const record = isNumbered ? numbered(offset) : following(anchor, 2 * anchor);
          return { sequence: 2 * offset, previous: 2 * (offset - 1), record };
        });
        // The first message is known, as after a read of the tail.
        expectPlaced(
          numbering.add({ sequence: 1, previous: 0, record: numbered(0, "") })?.slice(1),
        );
        const delivered = messages
          .map((message, index) => ({ message, at: index + steps[index].lateness }))
          .filter((_, index) => isComplete || steps[index].isDelivered)
          .toSorted((one, other) => one.at - other.at);
        for (const { message } of delivered) {
          const previous = message.previous === 0 ? 1 : message.previous;
          expectPlaced(numbering.add({ ...message, previous }));
        }
        if (isComplete) expect(placed.length).toBe(messages.length);
        for (let first = numbering.firstWaiting; first !== undefined;) {
          expectPlaced(numbering.place(first, { epoch: "e", offset: first / 2 }));
          first = numbering.firstWaiting;
        }
        expect(placed.length).toBe(delivered.length);
      }),
    );
  });
});
