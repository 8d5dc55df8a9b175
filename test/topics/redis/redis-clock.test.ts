import { expect, it } from "vitest";
import { RedisClock } from "../../../src/topics/redis/redis-clock.ts";

it("the clock continues from the last time in an answer", () => {
  let ownMs = 1_000.5;
  const clock = new RedisClock(() => ownMs);
  clock.set(1_700_000_000_000);
  expect(clock.in(0)).toBe(1_700_000_000_000);
  ownMs += 250.75;
  expect(clock.in(500)).toBe(1_700_000_000_750);
  // Redis has set its clock back.
  clock.set(1_600_000_000_000);
  ownMs += 1;
  expect(clock.in(0)).toBe(1_600_000_000_001);
});
