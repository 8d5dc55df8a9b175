import { expect, it } from "vitest";
import { HeldMessages } from "../../src/bun/held-messages.ts";
import { ByteBudget } from "../../src/protocol/byte-budget.ts";

it("returns messages in order, and gives their bytes back", () => {
  const budget = new ByteBudget(1000);
  const held = new HeldMessages(500, budget);
  for (let round = 0; round < 3; round++) {
    expect(held.isEmpty).toBe(true);
    expect(held.push("a")).toBe(true);
    expect(held.push(Uint8Array.of(1, 2))).toBe(true);
    expect(budget.usedBytes).toBe(2 * 64 + 3);
    expect(held.shift()).toBe("a");
    expect(held.push("b")).toBe(true);
    expect(held.shift()).toEqual(Uint8Array.of(1, 2));
    expect(held.shift()).toBe("b");
    expect(budget.usedBytes).toBe(0);
  }
});

it("counts 64 bytes for an empty message, so that a flood of them has a limit", () => {
  const held = new HeldMessages(128, undefined);
  expect([held.push(""), held.push(""), held.push("")]).toEqual([true, true, false]);
  held.clear();
  expect(held.isEmpty).toBe(true);
  expect(held.push("")).toBe(true);
});
