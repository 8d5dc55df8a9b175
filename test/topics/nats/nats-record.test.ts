import { describe, expect, it } from "vitest";
import {
  encodeFollowing,
  encodeNumbered,
  lastPositionOf,
  type NumberedRecord,
  positionAt,
  positionsOf,
  readRecord,
} from "../../../src/topics/nats/nats-record.ts";

const records = (...texts: readonly string[]): readonly NumberedRecord[] =>
  texts.map((text, index) => ({ sequence: index + 10, record: readRecord(text) }));

const offsets = (messages: readonly NumberedRecord[], lastOffset: number): unknown =>
  [...positionsOf(messages, { epoch: "e", offset: lastOffset })]
    .map(([sequence, { offset }]) => [sequence, offset])
    .reverse();

describe("readRecord", () => {
  it("reads what the encoders write", () => {
    const position = { epoch: "a-b", offset: 7 };
    expect(readRecord(encodeNumbered(position, "{} x"))).toEqual({
      kind: "numbered",
      position,
      payload: "{} x",
    });
    expect(readRecord(encodeFollowing({ position, sequence: 12 }, "0f", "{} x"))).toEqual({
      kind: "following",
      anchor: { position, sequence: 12 },
      tag: "0f",
      payload: "{} x",
    });
  });

  it.each(["", "x", "e:1", "e:1@ x", "e:1@2 x", "e:1@2. x", "e:-1@2.a x", "e@2.a x", "e:1@2.A! x"])(
    "finds no position in %j",
    (text) => {
      expect(readRecord(text)).toEqual({ kind: "unreadable" });
    },
  );
});

describe("positionAt", () => {
  const follower = { sequence: 12, record: readRecord("e:3@11.tag x") };

  it("counts in the epoch of the previous message, even if the anchor has another epoch", () => {
    expect(positionAt(follower, { epoch: "e", offset: 5 })).toEqual({ epoch: "e", offset: 6 });
    expect(positionAt(follower, { epoch: "f", offset: 5 })).toEqual({ epoch: "f", offset: 6 });
  });

  it("begins the same epoch for every reader after the last offset", () => {
    const last = { epoch: "e", offset: Number.MAX_SAFE_INTEGER };
    expect(positionAt(follower, last)).toEqual({ epoch: "tag-12", offset: 1 });
  });
});

describe("lastPositionOf", () => {
  it("uses the latest position that a message, an anchor or the caller shows", () => {
    const known = { sequence: 10, position: { epoch: "e", offset: 5 } };
    expect(lastPositionOf(records("e:1@2.t x", "e:1@2.t x"), known)?.offset).toBe(6);
    expect(lastPositionOf(records("e:1@2.t x", "e:4@10.t x"), undefined)?.offset).toBe(5);
    expect(lastPositionOf(records("e:1@2.t x", "e:9 x", "e:1@2.t x"), known)?.offset).toBe(10);
    expect(lastPositionOf(records("e:1@2.t x", "garbage"), known)?.offset).toBe(6);
  });

  it("finds none if all anchors are before the messages", () => {
    expect(lastPositionOf(records("e:1@2.t x", "e:1@3.t x"), undefined)).toBeUndefined();
    expect(lastPositionOf([], undefined)).toBeUndefined();
  });

  it("ignores anchors that are lost", () => {
    expect(lastPositionOf(records("e:4@10.t x", "e:5@12.t x"), undefined)).toBeUndefined();
  });
});

describe("positionsOf", () => {
  it("counts back over marks, which have the offset of the message before", () => {
    const messages = records("e:1@2.t x", "e:1@2.t x", "e:7 ", "e:8 x", "e:7@12.t x");
    expect(offsets(messages, 9)).toEqual([
      [10, 6],
      [11, 7],
      [12, 7],
      [13, 8],
      [14, 9],
    ]);
  });

  it("stops where the offsets started again", () => {
    expect(offsets(records("old:7 x", "new:0 ", "new:1 x"), 1)).toEqual([[12, 1]]);
    expect(offsets(records("old:7 x", "new:3 x", "e:1@2.t x"), 4)).toEqual([
      [11, 3],
      [12, 4],
    ]);
  });
});
