import { describe, expect, it } from "vitest";
import type { BrokerPage } from "../../../src/topics/broker/broker.ts";
import {
  consecutiveAfter,
  findGap,
  positionAfterGap,
} from "../../../src/topics/broker/recovery.ts";

const at = (offset: number, epoch = "e"): { epoch: string; offset: number } => ({ epoch, offset });

function page(end: number, ...offsets: number[]): BrokerPage {
  const publications = offsets.map((offset) => ({ position: at(offset), id: "", data: "" }));
  return { position: at(end), publications };
}

describe("findGap", () => {
  it.each([
    ["no gap at the end of the topic", at(5), page(5), undefined],
    ["no gap if the next publication follows", at(3), page(5, 4, 5), undefined],
    ["a missing publication", at(3), page(5, 5), "missing"],
    ["a missing publication if the page is empty", at(3), page(5), "missing"],
    ["a position after the end", at(6), page(5), "position-ahead"],
    ["another epoch", at(3, "other"), page(5, 4, 5), "epoch-changed"],
    ["another epoch at the same offset", at(5, "other"), page(5), "epoch-changed"],
  ])("finds %s", (_what, position, read, gap) => {
    expect(findGap(position, read)).toBe(gap);
  });
});

describe("consecutiveAfter", () => {
  it("ends before the first gap, and before another epoch", () => {
    expect(consecutiveAfter(at(3), page(8, 4, 5, 7, 8))).toHaveLength(2);
    const mixed = page(5, 4, 5);
    expect(consecutiveAfter(at(3), { ...mixed, position: at(5, "other") })).toHaveLength(0);
  });
});

describe("positionAfterGap", () => {
  it("continues before the first publication after the missing ones", () => {
    expect(positionAfterGap(at(3), page(8, 7, 8), "missing")).toEqual(at(6));
  });

  it("continues at the end of the topic if no publication follows", () => {
    expect(positionAfterGap(at(3), page(8), "missing")).toEqual(at(8));
  });

  it("continues at the end of the topic if the following publication has another epoch", () => {
    const read = { ...page(8, 7, 8), position: at(8, "other") };
    expect(positionAfterGap(at(3), read, "missing")).toEqual(at(8, "other"));
  });

  it.each(["epoch-changed", "position-ahead"] as const)(
    "continues at the end of the topic after the gap %s",
    (reason) => {
      expect(positionAfterGap(at(3), page(8, 7, 8), reason)).toEqual(at(8));
    },
  );
});
