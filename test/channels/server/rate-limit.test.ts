import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRateLimits, RateLimit } from "../../../src/channels/server/rate-limit.ts";

describe("a rate limit", () => {
  it("allows a second's worth at once, and then one for each interval", () => {
    const limit = new RateLimit(2, 0);
    expect([limit.take(0), limit.take(0), limit.take(0)]).toEqual([0, 0, 500]);
    expect(limit.take(499)).toBe(1);
    expect(limit.take(500)).toBe(0);
    expect(limit.take(10_000)).toBe(0);
    expect(limit.take(10_000)).toBe(0);
    expect(limit.take(10_000)).toBe(500);
  });

  it("may be below one per second", () => {
    const limit = new RateLimit(0.5, 0);
    expect([limit.take(0), limit.take(0), limit.take(2_000)]).toEqual([0, 2_000, 0]);
  });

  it("never allows more than the rate and one second's worth, and says truly when to retry", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 }),
        (perSecond, delays) => {
          const limit = new RateLimit(perSecond, 0);
          let nowMs = 0;
          let taken = 0;
          for (const delayMs of delays) {
            nowMs += delayMs;
            const waitMs = limit.take(nowMs);
            if (waitMs === 0) taken++;
            else {
              nowMs += waitMs;
              expect(limit.take(nowMs)).toBe(0);
              taken++;
            }
            expect(taken).toBeLessThanOrEqual(perSecond + (nowMs / 1_000) * perSecond + 1e-6);
          }
        },
      ),
    );
  });

  it("costs nothing if there is none", () => {
    expect(createRateLimits(Infinity, {}, () => 0)).toBeUndefined();
  });

  it("may be for one name only, and does not limit other names", () => {
    const limits = createRateLimits(Infinity, { a: { perSecond: 1 } }, () => 0)!;
    expect([limits.take("a"), limits.take("a"), limits.take("b"), limits.take("toString")]).toEqual(
      [0, 1_000, 0, 0],
    );
  });

  it("of all names together applies too", () => {
    const limits = createRateLimits(2, { a: { perSecond: 10 } }, () => 0)!;
    expect([limits.take("a"), limits.take("b"), limits.take("a")]).toEqual([0, 0, 500]);
  });
});
