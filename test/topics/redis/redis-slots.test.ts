import { expect, it } from "vitest";
import { readSlots, slotOf } from "../../../src/topics/redis/redis-slots.ts";

it.each([
  // The check value of CRC-16/XMODEM: 0x31C3.
  ["123456789", 12_739],
  ["foo", 12_182],
  ["tideway:{foo}:live", 12_182],
  ["{foo}{bar}", 12_182],
  ["a{", slotOf("a{")],
  ["", 0],
])("%j is in slot %i", (name, slot) => {
  expect(slotOf(name)).toBe(slot);
});

it("a name with empty braces, or braces that do not close, is hashed as a whole", () => {
  for (const name of ["a{}{foo}", "{}foo", "a{foo", "a}foo{"]) {
    expect(slotOf(name)).not.toBe(slotOf("foo"));
  }
});

it("the slots of a master are the ranges with its id", () => {
  const answer = [
    [0, 5, ["127.0.0.1", 1, "a"], ["127.0.0.1", 2, "replica"]],
    [6, 9, ["127.0.0.1", 3, "b", []]],
    [10, 10, ["127.0.0.1", 1, "a"]],
  ];
  expect(readSlots(answer, "a")).toEqual([
    [0, 5],
    [10, 10],
  ]);
  expect(readSlots(answer, "replica")).toEqual([]);
});

it.each([[null], ["OK"], [[1, "x", null]], [[[0, 5]]], [[[0, 5, "a"]]]])(
  "an unknown answer %j has no slots",
  (answer) => {
    expect(readSlots(answer, "a")).toEqual([]);
  },
);
