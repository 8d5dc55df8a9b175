import { expect, it } from "vitest";
import { MinuteLimit } from "../../../src/server/reports/minute-limit.ts";

it("a MinuteLimit lets one event of each kind pass per minute", () => {
  let nowMs = 5;
  const limit = new MinuteLimit(() => nowMs);
  expect([limit.take("a"), limit.take("a"), limit.take("b"), limit.take("b")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  nowMs += 59_999;
  expect(limit.take("a")).toBe(false);
  nowMs += 1;
  expect([limit.take("a"), limit.take("a"), limit.take("b")]).toEqual([true, false, true]);
});

it("a MinuteLimit starts the minute at the event that passed, not at a suppressed event", () => {
  let nowMs = 0;
  const limit = new MinuteLimit(() => nowMs);
  limit.take("a");
  nowMs = 40_000;
  limit.take("a");
  nowMs = 60_000;
  expect(limit.take("a")).toBe(true);
});
