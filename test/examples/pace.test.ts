import { describe, expect, it } from "vitest";
import { Pace } from "../../examples/chat/src/pace.ts";

describe("Pace", () => {
  it("allows a burst at once, and then delays for the time of the excess", () => {
    const pace = new Pace({ burst: 100, perSecond: 50 }, () => 0);
    expect(pace.spend(60)).toBe(0);
    expect(pace.spend(40)).toBe(0);
    expect(pace.spend(10)).toBe(200);
    expect(pace.spend(40)).toBe(1_000);
  });

  it("refills over time, but never above the burst", () => {
    let now = 0;
    const pace = new Pace({ burst: 100, perSecond: 50 }, () => now);
    pace.spend(100);
    now = 1_000;
    expect(pace.spend(50)).toBe(0);
    now = 3_600_000;
    expect(pace.spend(100)).toBe(0);
    expect(pace.spend(1)).toBe(20);
  });
});
